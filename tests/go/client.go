// Go's Flight SQL client against the server: client PORT KEY [CA.pem]. Prints a line for each check and ends with 1
// if one of them failed.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

var failed bool

func check(what string, ok bool, detail ...any) {
	if ok {
		fmt.Println("ok", what)
		return
	}
	failed = true
	fmt.Println("FAILED", what, fmt.Sprint(detail...))
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println("FAILED", err)
		os.Exit(1)
	}
	return value
}

func withKey(key string) context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer "+key)
}

// All rows of a query's endpoints: their number, and the values of the first column.
func read(ctx context.Context, client *flightsql.Client, info *flight.FlightInfo) (int64, []arrow.Array, error) {
	var rows int64
	var first []arrow.Array
	for _, endpoint := range info.Endpoint {
		reader, err := client.DoGet(ctx, endpoint.Ticket)
		if err != nil {
			return rows, first, err
		}
		for reader.Next() {
			batch := reader.Record()
			rows += batch.NumRows()
			batch.Column(0).Retain()
			first = append(first, batch.Column(0))
		}
		if err := reader.Err(); err != nil {
			return rows, first, err
		}
	}
	return rows, first, nil
}

func numbers(from, count int64) arrow.Record {
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	for i := int64(0); i < count; i++ {
		builder.Field(0).(*array.Int64Builder).Append(from + i)
	}
	return builder.NewRecord()
}

func main() {
	address, key := "127.0.0.1:"+os.Args[1], os.Args[2]
	transport := insecure.NewCredentials()
	if len(os.Args) > 3 {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(must(os.ReadFile(os.Args[3])))
		transport = credentials.NewTLS(&tls.Config{RootCAs: pool})
	}
	client := must(flightsql.NewClient(address, nil, nil, grpc.WithTransportCredentials(transport)))
	defer client.Close()
	ctx := withKey(key)

	info := must(client.GetSqlInfo(ctx, []flightsql.SqlInfo{flightsql.SqlInfoFlightSqlServerName}))
	rows, _, err := read(ctx, client, info)
	check("SqlInfo", err == nil && rows == 1, rows, err)

	must(client.ExecuteUpdate(ctx, "CREATE OR REPLACE TABLE go_tree(a INTEGER PRIMARY KEY, b VARCHAR)"))
	pattern := "go_tree"
	info = must(client.GetTables(ctx, &flightsql.GetTablesOpts{TableNameFilterPattern: &pattern, IncludeSchema: true}))
	rows, _, err = read(ctx, client, info)
	check("the table tree", err == nil && rows == 1, rows, err)
	info = must(client.GetPrimaryKeys(ctx, flightsql.TableRef{Table: "go_tree"}))
	rows, _, err = read(ctx, client, info)
	check("primary keys", err == nil && rows == 1, rows, err)

	info = must(client.Execute(ctx, "SELECT n, n::VARCHAR AS s FROM range(100000) r(n)"))
	rows, _, err = read(ctx, client, info)
	check("a query", err == nil && rows == 100000, rows, err)

	prepared := must(client.Prepare(ctx, "SELECT n FROM range(10) r(n) WHERE n >= ? ORDER BY n"))
	prepared.SetParameters(numbers(7, 1))
	info = must(prepared.Execute(ctx))
	rows, first, err := read(ctx, client, info)
	check("parameters", err == nil && rows == 3 && first[0].(*array.Int64).Value(0) == 7, rows, err)
	check("closing a statement", prepared.Close(ctx) == nil)

	const million = 1000000
	var batches []arrow.Record
	for from := int64(0); from < million; from += 50000 {
		batches = append(batches, numbers(from, 50000))
	}
	reader := must(array.NewRecordReader(batches[0].Schema(), batches))
	count, err := client.ExecuteIngest(ctx, reader, &flightsql.ExecuteIngestOpts{
		TableDefinitionOptions: &flightsql.TableDefinitionOptions{
			IfNotExist: flightsql.TableDefinitionOptionsTableNotExistOptionCreate,
			IfExists:   flightsql.TableDefinitionOptionsTableExistsOptionReplace},
		Table: "go_million"})
	check("ingesting a million rows", err == nil && count == million, count, err)
	info = must(client.Execute(ctx, "SELECT n FROM go_million ORDER BY n"))
	rows, first, err = read(ctx, client, info)
	equal := err == nil && rows == million
	next := int64(0)
	for _, column := range first {
		for _, value := range column.(*array.Int64).Int64Values() {
			equal = equal && value == next
			next++
		}
	}
	check("reading them back equal", equal && next == million, rows, next, err)

	info = must(client.Execute(ctx, "SELECT count(*) FROM range(1000000000) a, range(1000000) b"))
	ended := make(chan error)
	go func() {
		_, _, err := read(ctx, client, info)
		ended <- err
	}()
	time.Sleep(200 * time.Millisecond)
	_, err = client.CancelFlightInfo(ctx, &flight.CancelFlightInfoRequest{Info: info})
	check("asking to cancel a query", err == nil, err)
	select {
	case err = <-ended:
		check("the query's end", err != nil)
	case <-time.After(60 * time.Second):
		check("the query's end", false, "it goes on")
	}

	_, err = client.Execute(withKey("0000000000000000"), "SELECT 1")
	check("a wrong key", status.Code(err) == codes.Unauthenticated && !strings.Contains(err.Error(), "0000"), err)
	_, err = client.Execute(ctx, "SELECT * FROM nope")
	check("an unknown table", status.Code(err) == codes.NotFound, err)
	login, err := client.Client.AuthenticateBasicToken(context.Background(), "root", key)
	check("logging in", err == nil, err)
	if err == nil {
		_, err = client.Execute(login, "SELECT 1")
		check("what the login gave", err == nil, err)
	}
	if failed {
		os.Exit(1)
	}
}
