// plain_download URL FILE: what `curl -L -o FILE URL` does, with the private root's libcurl, for machines without the
// program: one connection, redirects followed, the body written through stdio.
#include <curl/curl.h>

#include <cstdio>
#include <memory>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: plain_download URL FILE\n", stderr);
    return 2;
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(argv[2], "wb"), std::fclose);
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!file || !curl) return 1;
  curl_easy_setopt(curl.get(), CURLOPT_URL, argv[1]);
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_BUFFERSIZE, 102400L);  // the program's own
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, file.get());
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_OK) return 0;
  std::fprintf(stderr, "plain_download: %s\n", curl_easy_strerror(code));
  return 1;
}
