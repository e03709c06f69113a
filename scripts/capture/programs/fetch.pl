# Gets a URL with LWP; without one prints the version.
use LWP::UserAgent;
use IO::Socket::SSL;
if (@ARGV) { LWP::UserAgent->new(ssl_opts => { verify_hostname => 0, SSL_verify_mode => 0 })->get($ARGV[0]) }
else { printf "%vd OpenSSL\n", $^V }
