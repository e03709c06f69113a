"""Gets a URL with the HTTP client that is named first; without a URL prints the versions."""
import ssl
import sys

client, *urls = sys.argv[1:]
context = ssl._create_unverified_context()


def urllib(url):
    import urllib.request

    urllib.request.urlopen(url, context=context).read()


def requests(url):
    import requests

    requests.get(url, verify=False)


def urllib3(url):
    import urllib3

    urllib3.PoolManager(cert_reqs="CERT_NONE").request("GET", url)


def httpx(url):
    import httpx

    httpx.get(url, verify=False)


def aiohttp(url):
    import asyncio

    import aiohttp

    async def get():
        async with aiohttp.ClientSession() as session, session.get(url, ssl=False) as response:
            await response.read()

    asyncio.run(get())


if urls:
    globals()[client](urls[0])
else:
    __import__("urllib.request" if client == "urllib" else client)
    print(sys.version.split()[0], ssl.OPENSSL_VERSION)
