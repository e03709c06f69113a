# Gets a URL with net/http.
require 'net/http'
require 'openssl'
url = URI(ARGV[0])
http = Net::HTTP.new(url.host, url.port)
http.use_ssl = true
http.verify_mode = OpenSSL::SSL::VERIFY_NONE
http.get('/')
