; TCP/IP stacks of today, in the format of p0f 3 (its README, section 5; first
; exact match wins, then the first generic one, then the first fuzzy one).
; Written for Sallyport, under its licence; profiles/README.md says what each
; group of signatures was taken from.

classes = win,unix,other

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

; Linux fills a 64 KiB window with whole segments since 4.20: 44 of 1,460 bytes.
; The scale comes from tcp_rmem's maximum: 7 for its default of 6 MiB.

label = s:unix:Linux:5.x or 6.x
sig   = *:64:0:*:mss*44,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,8:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,9:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,11:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,12:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*45,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*46,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*47,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*48,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:8960:mss*7,*:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:5.x or 6.x (loopback)
sig   = *:64:0:65495:mss*1,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:65476:mss*1,*:mss,sok,ts,nop,ws:df,id+:0

; Ten segments from 3.1, twenty from 3.11 on.

label = s:unix:Linux:3.11 to 4.19
sig   = *:64:0:*:mss*20,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*20,8:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*20,9:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*20,10:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:3.1 to 3.10
sig   = *:64:0:*:mss*10,*:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:2.6
sig   = *:64:0:*:mss*4,*:mss,sok,ts,nop,ws:df,id+:0

; Android is Linux with tcp_rmem set for the network: 65,535 bytes.

label = s:unix:Android:
sig   = *:64:0:*:65535,6:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,8:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,9:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,10:mss,sok,ts,nop,ws:df,id+:0

label = g:unix:Linux:
sig   = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0

label = g:unix:Linux:without timestamps
sig   = *:64:0:*:*,*:mss,nop,nop,sok,nop,ws:df,id+:0

; Windows: a scale of 8 without timestamps, from an initial TTL of 128.

label = s:win:Windows:10 or 11
sig   = *:128:0:*:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*45,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*46,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*47,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*48,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,8:mss,nop,ws,nop,nop,sok:df,id+:0

label = s:win:Windows:7 or 8
sig   = *:128:0:*:8192,2:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:8192,0:mss,nop,nop,sok:df,id+:0

label = s:win:Windows:XP
sig   = *:128:0:*:65535,0:mss,nop,nop,sok:df,id+:0
sig   = *:128:0:*:16384,0:mss,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,0:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,1:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,2:mss,nop,ws,nop,nop,sok:df,id+:0

label = g:win:Windows:
sig   = *:128:0:*:*,*:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:*,0:mss,nop,nop,sok:df,id+:0

; macOS and iOS share a kernel and, since 2019, every field of the SYN.

label = s:unix:Darwin:macOS 10.15 or iOS 13 and newer
sig   = *:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0
sig   = *:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df,ecn:0

label = s:unix:Darwin:macOS 10.9 to 10.14, or iOS 7 to 12
sig   = *:64:0:*:65535,4:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = *:64:0:*:65535,5:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0

label = g:unix:Darwin:
sig   = *:64:0:*:65535,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = *:64:0:*:65535,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0

label = s:unix:FreeBSD:9 and newer
sig   = *:64:0:*:65535,6:mss,nop,ws,sok,ts:df,id+:0
sig   = *:64:0:*:65535,6:mss,nop,ws,sok,ts:df:0
sig   = *:64:0:*:65535,7:mss,nop,ws,sok,ts:df,id+:0
sig   = *:64:0:*:65535,7:mss,nop,ws,sok,ts:df:0

label = g:unix:FreeBSD:
sig   = *:64:0:*:65535,*:mss,nop,ws,sok,ts:df,id+:0

label = s:unix:OpenBSD:4.9 and newer
sig   = *:64:0:*:16384,3:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0
sig   = *:64:0:*:16384,6:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0

; Programs that make their own packets. Only exact matches count.

label = s:!:masscan:
sig   = 4:255:0:0:1024,0:::0
sig   = 4:255:0:1460:1024,0:mss::0

label = s:!:zmap:
sig   = 4:255:0:0:65535,0:::0
sig   = 4:255:0:1460:65535,0:mss::0
