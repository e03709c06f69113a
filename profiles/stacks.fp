; TCP/IP stacks of today, in the format of p0f 3 (its README, section 5; first
; exact match wins, then the first generic one, then the first fuzzy one).
; Written for Sallyport, under its licence. Above each group stands where it
; comes from:
;   captured  by scripts/capture-stacks.ts, on Linux 6.18
;   pf.os     OpenBSD's etc/pf.os, revision 1.27 (permissive licence)
;   seen in   a capture that others publish, by the User-Agent in it
; profiles/README.md says more.

classes = win,unix,other

; RFC 894 (Ethernet), RFC 2516 (PPPoE), RFC 2003 (IP in IP: 20 bytes less),
; RFC 2784 (GRE: 24 less), RFC 8200 (1280, the least of IPv6), wg-quick(8)
; (WireGuard: 80 less), ip-link(8) (loopback of Linux); ifconfig lo0 of macOS.

[mtu]

label = Ethernet
sig   = 1500

label = PPPoE
sig   = 1492

label = jumbo Ethernet
sig   = 9000
sig   = 9001

label = loopback
sig   = 65535
sig   = 16384

label = WireGuard
sig   = 1420

label = cellular or tunnel
sig   = 1280
sig   = 1400
sig   = 1410
sig   = 1430
sig   = 1440
sig   = 1450

label = IPIP or SIT
sig   = 1480

label = GRE
sig   = 1476

[tcp:request]

; Captured. The window is 64 KiB in whole segments, so that the count of segments
; tells the MTU; the scale comes from the maximum of tcp_rmem: 7 for up to 6 MiB,
; 14 for 1 GiB. Since 4.20, as pf.os has it (S44, W7).

label = s:unix:Linux:5.x or 6.x
sig   = *:64:0:*:mss*44,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,8:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,9:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,11:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,12:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,13:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,14:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*45,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*46,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*47,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*48,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*52,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:8960:mss*7,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:8961:mss*7,*:mss,sok,ts,nop,ws:df,id+:0
sig   = 6:64:0:*:mss*45,*:mss,sok,ts,nop,ws:flow:0
sig   = 6:64:0:*:mss*46,*:mss,sok,ts,nop,ws:flow:0
sig   = 6:64:0:*:mss*47,*:mss,sok,ts,nop,ws:flow:0
sig   = 6:64:0:*:mss*48,*:mss,sok,ts,nop,ws:flow:0
sig   = 6:64:0:*:mss*53,*:mss,sok,ts,nop,ws:flow:0
sig   = 6:64:0:8940:mss*7,*:mss,sok,ts,nop,ws:flow:0
sig   = 6:64:0:8941:mss*7,*:mss,sok,ts,nop,ws:flow:0

; Half of that, as Satori has it of Ubuntu 24 and EndeavourOS.

label = s:unix:Linux:6.x
sig   = *:64:0:*:mss*22,7:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:5.x or 6.x (loopback)
sig   = *:64:0:65495:mss*1,*:mss,sok,ts,nop,ws:df,id+:0
sig   = 6:64:0:65476:mss*1,*:mss,sok,ts,nop,ws:flow:0

; pf.os (S20, W7; S10 with W4, W6 and W7; S4 with W5, W6 and W7), for any scale
; that tcp_rmem gives; over IPv6 with a flow label seen in Arkime's ospf.pcap.

label = s:unix:Linux:3.11 to 4.19
sig   = *:64:0:*:mss*20,*:mss,sok,ts,nop,ws:df,id+:0
sig   = 6:64:0:*:mss*20,*:mss,sok,ts,nop,ws:flow:0

label = s:unix:Linux:3.0 to 3.10
sig   = *:64:0:*:mss*10,*:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:2.6
sig   = *:64:0:*:mss*4,*:mss,sok,ts,nop,ws:df,id+:0

; Seen in dreadl0ck-ja3's test2.pcap (Android 7.0): 65,535 bytes, scale 6. The
; others captured with tcp_rmem beginning at 1 MiB, as on telephones: any Linux
; that is set up so looks the same.

; FoxIO's table has a scale of 8 of Ubuntu 22.04, Satori of Android 5 to 10.

label = s:unix:Linux:or Android
sig   = *:64:0:*:65535,8:mss,sok,ts,nop,ws:df,id+:0
sig   = 6:64:0:*:65535,8:mss,sok,ts,nop,ws:flow:0

label = s:unix:Android:
sig   = *:64:0:*:65535,6:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,9:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,10:mss,sok,ts,nop,ws:df,id+:0
sig   = 6:64:0:*:65535,7:mss,sok,ts,nop,ws:flow:0
sig   = 6:64:0:*:65535,9:mss,sok,ts,nop,ws:flow:0
sig   = 6:64:0:*:65535,10:mss,sok,ts,nop,ws:flow:0

; Captured: the options stay the same under every setting of window and MTU, and
; without timestamps, SACK or window scaling.

label = g:unix:Linux:
sig   = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0
sig   = 6:64:0:*:*,*:mss,sok,ts,nop,ws:flow:0

label = g:unix:Linux:without timestamps
sig   = *:64:0:*:*,*:mss,nop,nop,sok,nop,ws:df,id+:0
sig   = 6:64:0:*:*,*:mss,nop,nop,sok,nop,ws:flow:0

label = g:unix:Linux:without SACK
sig   = *:64:0:*:*,*:mss,nop,nop,ts,nop,ws:df,id+:0
sig   = 6:64:0:*:*,*:mss,nop,nop,ts,nop,ws:flow:0

label = g:unix:Linux:without window scaling
sig   = *:64:0:*:*,0:mss,sok,ts:df,id+:0
sig   = 6:64:0:*:*,0:mss,sok,ts:flow:0

; A scale of 8 and no timestamps, from an initial TTL of 128. 65,535 bytes seen in
; Arkime's tls-split-client-hello.pcap; whole segments as Linux counts them, from
; 64,240 bytes, and those bytes themselves whatever the MSS, in FoxIO's table and
; Satori (Windows 10 1703 to 1909); not captured by us.

label = s:win:Windows:10 or 11
sig   = *:128:0:*:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*45,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*46,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*47,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*48,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*52,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:64240,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,8:mss,nop,ws,nop,nop,sok:df,id+:0

; With timestamps switched on (RFC 1323 in netsh), as Satori has them.

label = s:win:Windows:10 or 11 with timestamps
sig   = *:128:0:*:mss*44,8:mss,nop,ws,sok,ts:df,id+:0

; pf.os (8192, W2: Vista and 7). Scale 8 seen in Arkime's CVE-2018-6794.pcap
; (Windows NT 6.3), without scaling in its http-wrapped-header.pcap (NT 6.1).

label = s:win:Windows:7 or 8
sig   = *:128:0:*:8192,2:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:8192,0:mss,nop,nop,sok:df,id+:0

; pf.os (65535 without scaling; 65535 and others with a window scale). 16,384 seen
; in Arkime's socks5-http-302.pcap (Windows NT 5.1), scale 1 in its
; http-post-upload.pcap (NT 5.2), scale 2 in pyp0f's test packets.

label = s:win:Windows:XP
sig   = *:128:0:*:65535,0:mss,nop,nop,sok:df,id+:0
sig   = *:128:0:*:16384,0:mss,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,0:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,1:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,2:mss,nop,ws,nop,nop,sok:df,id+:0

; pf.os (its catch-all lines at the end: any window, TTL 128).

label = g:win:Windows:
sig   = *:128:0:*:*,*:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:*,0:mss,nop,nop,sok:df,id+:0

label = g:win:Windows:with timestamps
sig   = *:128:0:*:*,*:mss,nop,ws,sok,ts:df,id+:0
sig   = *:128:0:*:*,0:mss,sok,ts:df,id+:0

; XNU's order of options (tcp_output.c), 65,535 bytes. Without IP ids seen in Zeek's
; hrr.pcap and Arkime's badcurveball.pcap, over IPv6 in its tls-alpn-h2.pcap, with
; ECN in http2-nghttp2.pcap. macOS and iOS share the kernel and the SYN.

label = s:unix:Darwin:macOS 10.15 or iOS 13 and newer
sig   = *:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0
sig   = *:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df,ecn:0
sig   = 6:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:flow:0
sig   = 6:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:ecn,flow:0

; Scale 4 seen in Arkime's http-content-zip.pcap (Mac OS X 10.8.5) and
; http-301-get.pcap (Darwin 12), scale 5 in Zeek's chrome-63 capture; Satori has both
; of tvOS 14, and scale 5 of iOS 13.

label = s:unix:Darwin:macOS 10.8 to 10.14, or iOS to 14
sig   = *:64:0:*:65535,4:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = *:64:0:*:65535,5:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = *:64:0:*:65535,5:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0

; The same with the scales 0, 1 and 3 of older captures (Zeek's ssl.v3.pcap and
; tls-conn-with-extensions.pcap, Arkime's modbus.pcap), 7 in Satori (iOS 12 and 13).
; No other system has the order, so that the window does not matter: Satori has
; 10,240 bytes of iOS 13.

label = g:unix:Darwin:
sig   = *:64:0:*:*,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = *:64:0:*:*,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0
sig   = 6:64:0:*:*,*:mss,nop,ws,nop,nop,ts,sok,eol+1:flow:0

; pf.os (65535, W6: 9.0 to 12.0); without IP ids for DF packets as RFC 6864 allows
; and FreeBSD's net.inet.ip.rfc6864 (on by default) does.

label = s:unix:FreeBSD:9 and newer
sig   = *:64:0:*:65535,6:mss,nop,ws,sok,ts:df,id+:0
sig   = *:64:0:*:65535,6:mss,nop,ws,sok,ts:df:0

label = g:unix:FreeBSD:
sig   = *:64:0:*:65535,*:mss,nop,ws,sok,ts:df,id+:0
sig   = *:64:0:*:65535,*:mss,nop,ws,sok,ts:df:0

; pf.os (16384, W3: 4.9; W6: 6.1).

label = s:unix:OpenBSD:4.9 and newer
sig   = *:64:0:*:16384,3:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0
sig   = *:64:0:*:16384,6:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0

; Without scaling in Satori (4.x); the order of options is its own.

label = g:unix:OpenBSD:
sig   = *:64:0:*:*,*:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0

; Programs that make their own packets; only exact matches count. Captured: masscan
; 1.3.2, zmap 2.1.1, nmap 7.93, whose TTL is drawn from 37 to 59. What nmap sends to
; tell systems apart is also in its book (nmap.org/book/osdetect-methods.html).

label = s:!:masscan:
sig   = 4:255:0:0:1024,0:::0

label = s:!:zmap:
sig   = 4:255:0:0:65535,0:::0

label = s:!:nmap:
sig   = *:64-:0:1460:1024,0:mss::0

label = s:!:nmap:OS detection
sig   = *:64-:0:1460:1,10:ws,nop,mss,ts,sok::0
sig   = *:64-:0:1460:1,10:ws,nop,mss,ts,sok:ack+:0
sig   = *:64-:0:1400:63,0:mss,ws,sok,ts,eol+0::0
sig   = *:64-:0:1400:63,0:mss,ws,sok,ts,eol+0:ack+:0
sig   = *:64-:0:640:4,5:ts,nop,nop,ws,nop,mss::0
sig   = *:64-:0:640:4,5:ts,nop,nop,ws,nop,mss:ack+:0
sig   = *:64-:0:0:4,10:sok,ts,ws,eol+0::0
sig   = *:64-:0:0:4,10:sok,ts,ws,eol+0:ack+:0
sig   = *:64-:0:536:16,10:mss,sok,ts,ws,eol+0::0
sig   = *:64-:0:536:16,10:mss,sok,ts,ws,eol+0:ack+:0
sig   = *:64-:0:265:512,0:mss,sok,ts::0
sig   = *:64-:0:265:512,0:mss,sok,ts:ack+:0
sig   = *:64-:0:1460:3,10:ws,nop,mss,sok,nop,nop:ecn,uptr+:0
sig   = *:64-:0:265:31337,10:ws,nop,mss,ts,sok::0
sig   = *:64-:0:265:31337,10:ws,nop,mss,ts,sok:ack+:0
