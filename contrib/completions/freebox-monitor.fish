# Completion of freebox-monitor in fish. The place of this file is ~/.config/fish/completions, or
# /usr/share/fish/vendor_completions.d for everybody.
# Made from the description of the options in the program; BLESS=1 cargo test in_step writes it anew.

# Whether an option may be given: it is not there yet by its name or its letter, or the cursor is
# at its value.
function __freebox_monitor_free -a takes long letter
    set -l words (commandline -cpo)
    set -l names "^--$long\$"
    set -l given "^--$long(=|\$)"
    if test -n "$letter"
        set names "$names|^-[ALHSWBXDMVZCrsdhv]*$letter\$"
        set given "$given|^-[ALHSWBXDMVZCrsdhv]*$letter"
    end
    test "$takes" = value; and string match -qr -- $names $words[-1]; and return
    not string match -qr -- $given $words
end

function __freebox_monitor_sections
    printf '%s\t%s\n' \
        connection 'the line: state, traffic, fibre, copper' \
        ipv6 'IPv6 on the line and its delegated prefixes' \
        connection-logs 'how often the line came up and went down' \
        ddns 'whether the dynamic names are up to date' \
        lte 'the mobile backup: signal, bands, tunnels' \
        sys 'temperatures, fans, uptime, model' \
        switch 'the ports of the switch and who is on them' \
        wifi 'Wi-Fi: radios, networks, stations' \
        wifi-neighbors 'networks of others, how busy channels are' \
        lan-browser 'the hosts on the network' \
        repeater 'repeaters of the box\'s Wi-Fi' \
        dhcp 'leases, and how full the range is' \
        disk 'disks, partitions, RAID' \
        virtualmachines 'virtual machines' \
        vpnsrv 'VPN servers and who is connected to them' \
        vpnclient 'the VPN that the box itself dials' \
        call 'calls by kind, voice mail, telephones' \
        downloads 'downloads: tasks and rates' \
        freeplug 'Freeplugs, the LAN over the mains' \
        nat 'redirections, DMZ, ports open to outside' \
        update 'the firmware: whether an update waits' \
        standby 'the box\'s hours of rest' \
        home 'home automation and what it measures' \
        player 'Freebox Players: whether they are on' \
        network-control 'who may use the network, by profile' \
        pvr 'room for recordings of television'
end

complete -c freebox-monitor -f
complete -c freebox-monitor -n '__freebox_monitor_free none all A' -s A -l all -d 'collect every section that this box and its permissions allow'
complete -c freebox-monitor -l status -x -a '(__freebox_monitor_sections)' -d 'collect this section as well'
complete -c freebox-monitor -n '__freebox_monitor_free value host-age' -l host-age -x -a 'all 30d 7d 12h 1h' -d 'give no lines to hosts and leases that were not seen for so long'
complete -c freebox-monitor -n '__freebox_monitor_free none patch-rate-up-bytes-up' -l patch-rate-up-bytes-up -d 'take the upload figures of the line from the ports of the switch'
complete -c freebox-monitor -n '__freebox_monitor_free none status-connection' -l status-connection -d 'the line: state, traffic, fibre, copper'
complete -c freebox-monitor -n '__freebox_monitor_free none status-ipv6' -l status-ipv6 -d 'IPv6 on the line and its delegated prefixes'
complete -c freebox-monitor -n '__freebox_monitor_free none status-connection-logs' -l status-connection-logs -d 'how often the line came up and went down'
complete -c freebox-monitor -n '__freebox_monitor_free none status-ddns' -l status-ddns -d 'whether the dynamic names are up to date'
complete -c freebox-monitor -n '__freebox_monitor_free none status-lte L' -s L -l status-lte -d 'the mobile backup: signal, bands, tunnels'
complete -c freebox-monitor -n '__freebox_monitor_free none status-sys H' -s H -l status-sys -d 'temperatures, fans, uptime, model'
complete -c freebox-monitor -n '__freebox_monitor_free none status-switch S' -s S -l status-switch -d 'the ports of the switch and who is on them'
complete -c freebox-monitor -n '__freebox_monitor_free none status-wifi W' -s W -l status-wifi -d 'Wi-Fi: radios, networks, stations'
complete -c freebox-monitor -n '__freebox_monitor_free none status-wifi-neighbors' -l status-wifi-neighbors -d 'networks of others, how busy channels are'
complete -c freebox-monitor -n '__freebox_monitor_free none status-lan-browser B' -s B -l status-lan-browser -d 'the hosts on the network'
complete -c freebox-monitor -n '__freebox_monitor_free none status-repeater' -l status-repeater -d 'repeaters of the box\'s Wi-Fi'
complete -c freebox-monitor -n '__freebox_monitor_free none status-dhcp X' -s X -l status-dhcp -d 'leases, and how full the range is'
complete -c freebox-monitor -n '__freebox_monitor_free none status-disk D' -s D -l status-disk -d 'disks, partitions, RAID'
complete -c freebox-monitor -n '__freebox_monitor_free none status-virtualmachines M' -s M -l status-virtualmachines -d 'virtual machines'
complete -c freebox-monitor -n '__freebox_monitor_free none status-vpnsrv V' -s V -l status-vpnsrv -d 'VPN servers and who is connected to them'
complete -c freebox-monitor -n '__freebox_monitor_free none status-vpnclient Z' -s Z -l status-vpnclient -d 'the VPN that the box itself dials'
complete -c freebox-monitor -n '__freebox_monitor_free none status-call C' -s C -l status-call -d 'calls by kind, voice mail, telephones'
complete -c freebox-monitor -n '__freebox_monitor_free none status-downloads' -l status-downloads -d 'downloads: tasks and rates'
complete -c freebox-monitor -n '__freebox_monitor_free none status-freeplug' -l status-freeplug -d 'Freeplugs, the LAN over the mains'
complete -c freebox-monitor -n '__freebox_monitor_free none status-nat' -l status-nat -d 'redirections, DMZ, ports open to outside'
complete -c freebox-monitor -n '__freebox_monitor_free none status-update' -l status-update -d 'the firmware: whether an update waits'
complete -c freebox-monitor -n '__freebox_monitor_free none status-standby' -l status-standby -d 'the box\'s hours of rest'
complete -c freebox-monitor -n '__freebox_monitor_free none status-home' -l status-home -d 'home automation and what it measures'
complete -c freebox-monitor -n '__freebox_monitor_free none status-player' -l status-player -d 'Freebox Players: whether they are on'
complete -c freebox-monitor -n '__freebox_monitor_free none status-network-control' -l status-network-control -d 'who may use the network, by profile'
complete -c freebox-monitor -n '__freebox_monitor_free none status-pvr' -l status-pvr -d 'room for recordings of television'
complete -c freebox-monitor -n '__freebox_monitor_free none register r' -s r -l register -d 'ask the box for access'
complete -c freebox-monitor -n '__freebox_monitor_free none force' -l force -d 'with --register: ask even if access is granted already'
complete -c freebox-monitor -n '__freebox_monitor_free none register-status s' -s s -l register-status -d 'say whether access is granted'
complete -c freebox-monitor -n '__freebox_monitor_free value endpoint e' -s e -l endpoint -x -a '(__fish_print_hostnames)' -d 'where the box is'
complete -c freebox-monitor -n '__freebox_monitor_free value name' -l name -x -d 'which of several registered boxes'
complete -c freebox-monitor -n '__freebox_monitor_free value config c' -s c -l config -r -F -d 'the credentials file'
complete -c freebox-monitor -l carbon -x -a '(__fish_print_hostnames)' -d 'deliver to the carbon at HOST[:PORT] over TCP'
complete -c freebox-monitor -n '__freebox_monitor_free value output' -l output -r -F -d 'write to this file instead of to stdout'
complete -c freebox-monitor -n '__freebox_monitor_free value format f' -s f -l format -x -a 'graphite influxdb prometheus' -d 'the form of the text'
complete -c freebox-monitor -n '__freebox_monitor_free none influx-timestamp' -l influx-timestamp -d 'with -f influxdb: end each line with its time'
complete -c freebox-monitor -n '__freebox_monitor_free none strict-exit' -l strict-exit -d 'with -f influxdb: end with the usual exit code also when lines were printed'
complete -c freebox-monitor -n '__freebox_monitor_free value resend' -l resend -x -d 'how often to send again'
complete -c freebox-monitor -n '__freebox_monitor_free value verify' -l verify -x -d 'forget lines only when this graphite-web shows them'
complete -c freebox-monitor -n '__freebox_monitor_free value spool-age' -l spool-age -x -a '30d 7d 12h 1h' -d 'how long lines wait for a carbon that is away'
complete -c freebox-monitor -n '__freebox_monitor_free value spool-size' -l spool-size -x -d 'how much may wait'
complete -c freebox-monitor -n '__freebox_monitor_free value backfill' -l backfill -x -a '30d 7d 12h 1h' -d 'fetch so much of the box\'s own history'
complete -c freebox-monitor -n '__freebox_monitor_free value template t' -s t -l template -r -F -a 'dotted tagged flat sexigraf' -d 'the path template'
complete -c freebox-monitor -n '__freebox_monitor_free none print-template' -l print-template -d 'print the template that would be used'
complete -c freebox-monitor -n '__freebox_monitor_free none check-template' -l check-template -d 'check the template and print the path of every metric'
complete -c freebox-monitor -n '__freebox_monitor_free none list-metrics' -l list-metrics -d 'list every metric there is'
complete -c freebox-monitor -n '__freebox_monitor_free none check' -l check -d 'go through everything step by step and say what to do where something is wrong'
complete -c freebox-monitor -n '__freebox_monitor_free none dry-run' -l dry-run -d 'print the lines that would be delivered'
complete -c freebox-monitor -n '__freebox_monitor_free value record' -l record -r -F -d 'save every answer of the box in a file that can be shown to others'
complete -c freebox-monitor -n '__freebox_monitor_free none record-raw' -l record-raw -d 'with --record: leave names, addresses, numbers and serials as they are'
complete -c freebox-monitor -n '__freebox_monitor_free value replay' -l replay -r -F -d 'take the answers from a recording instead of a box'
complete -c freebox-monitor -n '__freebox_monitor_free value repeat-after' -l repeat-after -x -a '30d 7d 12h 1h' -d 'for cron: say the same trouble when it begins and then once in this time'
complete -c freebox-monitor -n '__freebox_monitor_free value every' -l every -x -d 'stay and run at each multiple of this many seconds'
complete -c freebox-monitor -n '__freebox_monitor_free value heartbeat' -l heartbeat -r -F -d 'write into this file when the last good run began'
complete -c freebox-monitor -n '__freebox_monitor_free value timeout' -l timeout -x -d 'how long the whole run may take'
complete -c freebox-monitor -n '__freebox_monitor_free value jobs' -l jobs -x -d 'how many requests to make at a time'
complete -c freebox-monitor -n '__freebox_monitor_free none api-endpoint-detect-force' -l api-endpoint-detect-force -d 'look for the box\'s API in every run'
complete -c freebox-monitor -n '__freebox_monitor_free none api-endpoint-detect-ssl-domain' -l api-endpoint-detect-ssl-domain -d 'speak to the box under the domain it has from Free'
complete -c freebox-monitor -n '__freebox_monitor_free value api-version-force' -l api-version-force -x -d 'use this major version of the API instead of the box\'s own'
complete -c freebox-monitor -n '__freebox_monitor_free value auth-hash-type' -l auth-hash-type -x -a 'sha1 sha256' -d 'the hash of the log-in'
complete -c freebox-monitor -n '__freebox_monitor_free value ssl-ca-bundle-file' -l ssl-ca-bundle-file -r -F -d 'trust the certificates of this PEM file instead of Free\'s and the public ones'
complete -c freebox-monitor -n '__freebox_monitor_free none ssl-no-verify' -l ssl-no-verify -d 'take any certificate for the box\'s own'
complete -c freebox-monitor -n '__freebox_monitor_free none debug d' -s d -l debug -d 'say on stderr what happens'
complete -c freebox-monitor -n '__freebox_monitor_free none help h' -s h -l help -d 'show this help'
complete -c freebox-monitor -n '__freebox_monitor_free none version v' -s v -l version -d 'print the version'
