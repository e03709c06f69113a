"""Gets a URL with the libcurl of another TLS library: libcurl.py gnutls|nss URL; without a URL prints the version."""
import ctypes
import sys

SSL_VERIFYPEER, SSL_VERIFYHOST, URL = 64, 81, 10002

curl = ctypes.CDLL(f"libcurl-{sys.argv[1]}.so.4")
if len(sys.argv) < 3:
    curl.curl_version.restype = ctypes.c_char_p
    print(curl.curl_version().decode())
else:
    curl.curl_easy_init.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(curl.curl_easy_init())
    for option in (SSL_VERIFYPEER, SSL_VERIFYHOST):
        curl.curl_easy_setopt(handle, option, ctypes.c_long(0))
    curl.curl_easy_setopt(handle, URL, ctypes.c_char_p(sys.argv[2].encode()))
    curl.curl_easy_perform(handle)
