// Gets a URL with net/http: fetch 1 URL over HTTP/1.1, fetch 2 URL over HTTP/2 where the server has it.
package main

import (
	"crypto/tls"
	"net/http"
	"os"
)

func main() {
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: os.Args[1] == "2",
	}
	if response, err := (&http.Client{Transport: transport}).Get(os.Args[2]); err == nil {
		response.Body.Close()
	}
}
