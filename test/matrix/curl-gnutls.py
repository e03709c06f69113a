"""libcurl with GnuTLS, which Debian has as a library alone: fetches a URL, as curl --insecure does."""
import ctypes
import sys

URL, INSECURE_PEER, INSECURE_HOST, TIMEOUT, NO_BODY = 10002, 64, 81, 13, 44
curl = ctypes.CDLL("libcurl-gnutls.so.4")
curl.curl_easy_init.restype = ctypes.c_void_p
handle = ctypes.c_void_p(curl.curl_easy_init())
curl.curl_easy_setopt(handle, URL, ctypes.c_char_p(sys.argv[1].encode()))
for option, value in ((INSECURE_PEER, 0), (INSECURE_HOST, 0), (TIMEOUT, 10), (NO_BODY, 1)):
    curl.curl_easy_setopt(handle, option, ctypes.c_long(value))
sys.exit(curl.curl_easy_perform(handle))
