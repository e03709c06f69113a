<?php
// Gets a URL: fetch.php stream|curl URL; without a URL prints the versions.
[, $how, $url] = [...$argv, null];
if ($url === null) {
    echo $how === 'curl' ? curl_version()['version'] . ' ' . curl_version()['ssl_version'] : PHP_VERSION . ' OpenSSL';
} elseif ($how === 'curl') {
    $handle = curl_init($url);
    curl_setopt_array($handle, [CURLOPT_SSL_VERIFYPEER => 0, CURLOPT_SSL_VERIFYHOST => 0, CURLOPT_RETURNTRANSFER => 1]);
    curl_exec($handle);
} else {
    $tls = ['verify_peer' => false, 'verify_peer_name' => false];
    file_get_contents($url, false, stream_context_create(['ssl' => $tls]));
}
