"""Flight SQL's commands for pyarrow.flight, which speaks Flight only.

The messages of FlightSql.proto (arrow.apache.org/docs/format/FlightSql.html) are few and flat: they are written
here by hand, field by field.
"""

import pyarrow as pa
import pyarrow.flight as fl

TYPE_PREFIX = "type.googleapis.com/arrow.flight.protocol.sql."


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if not value:
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def message(fields):
    """{number: value}: text and bytes, numbers, lists of these; None is left out."""
    out = bytearray()
    for number, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if one is None:
                continue
            if isinstance(one, int):
                out += varint(number << 3) + varint(one)
            else:
                data = one.encode() if isinstance(one, str) else bytes(one)
                out += varint(number << 3 | 2) + varint(len(data)) + data
    return bytes(out)


def command(name, fields=None):
    return message({1: TYPE_PREFIX + name, 2: message(fields or {})})


def parse(data):
    """A message's fields: {number: last value}."""
    fields = {}
    at = 0

    def read_varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while at < len(data):
        tag = read_varint()
        if tag & 7 == 0:
            fields[tag >> 3] = read_varint()
        elif tag & 7 == 2:
            length = read_varint()
            fields[tag >> 3] = bytes(data[at : at + length])
            at += length
        else:
            raise ValueError(f"wire type {tag & 7}")
    return fields


def parse_any(data):
    return parse(parse(data)[2])


class FlightSql:
    """What a program does with a Flight SQL server."""

    def __init__(self, port, token=None, scheme="grpc", **options):
        self.client = fl.FlightClient(f"{scheme}://localhost:{port}", **options)
        self.options = None
        if token is not None:
            self.authorize(b"Bearer " + token.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def authorize(self, value):
        self.options = fl.FlightCallOptions(headers=[(b"authorization", value)])

    # Rows.

    def info(self, name, fields=None):
        return self.client.get_flight_info(fl.FlightDescriptor.for_command(command(name, fields)), self.options)

    def stream(self, info):
        (endpoint,) = info.endpoints
        return self.client.do_get(endpoint.ticket, self.options)

    def table(self, name, fields=None):
        return self.stream(self.info(name, fields)).read_all()

    def plan(self, sql, transaction=None):
        return self.info("CommandStatementQuery", {1: sql, 2: transaction})

    def query(self, sql, transaction=None):
        return self.stream(self.plan(sql, transaction)).read_all()

    # Changes.

    def put(self, name, fields, data):
        """Uploads a table, a reader, or batches; the number of rows that the server says it has changed."""
        descriptor = fl.FlightDescriptor.for_command(command(name, fields))
        batches = data.to_batches() if isinstance(data, pa.Table) else data
        writer, reader = self.client.do_put(descriptor, getattr(data, "schema", pa.schema([])), self.options)
        with writer:
            for batch in batches:
                writer.write_batch(batch)
            writer.done_writing()
            answer = reader.read()
        count = parse(answer.to_pybytes()).get(1, 0) if answer is not None else 0
        return count - (1 << 64) if count >> 63 else count

    def update(self, sql, transaction=None):
        return self.put("CommandStatementUpdate", {1: sql, 2: transaction}, [])

    def ingest(self, table, name, create=True, exists="fail", temporary=False, transaction=None, schema=None):
        options = message({1: 1 if create else 2, 2: {"fail": 1, "append": 2, "replace": 3}[exists]})
        fields = {1: options, 2: name, 3: schema, 5: 1 if temporary else None, 6: transaction}
        return self.put("CommandStatementIngest", fields, table)

    # Actions.

    def act(self, name, fields=None):
        action = fl.Action(name, command(f"Action{name}Request", fields))
        results = list(self.client.do_action(action, self.options))
        return parse_any(results[0].body.to_pybytes()) if results else {}

    def prepare(self, sql, transaction=None):
        return Prepared(self, self.act("CreatePreparedStatement", {1: sql, 2: transaction}))

    def begin(self):
        return self.act("BeginTransaction")[1]

    def commit(self, transaction):
        self.act("EndTransaction", {1: transaction, 2: 1})

    def rollback(self, transaction):
        self.act("EndTransaction", {1: transaction, 2: 2})

    def cancel(self, info):
        """1: cancelled, 2: being cancelled, 3: cannot be."""
        action = fl.Action("CancelFlightInfo", message({1: info.serialize()}))
        (result,) = self.client.do_action(action, self.options)
        return parse(result.body.to_pybytes())[1]


class Prepared:
    def __init__(self, server, answer):
        self.server = server
        self.handle = answer[1]
        self.schema = pa.ipc.read_schema(pa.py_buffer(answer[2])) if answer.get(2) else pa.schema([])
        self.parameters = pa.ipc.read_schema(pa.py_buffer(answer[3])) if answer.get(3) else pa.schema([])

    def bind(self, rows):
        self.server.put("CommandPreparedStatementQuery", {1: self.handle}, rows)

    def query(self, rows=None):
        if rows is not None:
            self.bind(rows)
        return self.server.table("CommandPreparedStatementQuery", {1: self.handle})

    def update(self, rows):
        return self.server.put("CommandPreparedStatementUpdate", {1: self.handle}, rows)

    def close(self):
        self.server.act("ClosePreparedStatement", {1: self.handle})
