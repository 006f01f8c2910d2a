#!/bin/sh
# Bring the guest's NICs back to the state of a fresh boot. Plain shell: it must not depend on the project it helps to test.
set -u
complain() { echo "lab reset: $*" >&2; failed=1; }
failed=0

# Every process but those that the boot left: init and the agent share a session, and udev has its own.
ours=$(ps -o sess= -p $$ | tr -d ' ')
boots=$(ps -o sess= -p 1 | tr -d ' ')
left() {
    ps -eo pid=,sess=,ppid=,comm= | awk -v ours="$ours" -v boots="$boots" '$2 != ours && $2 != boots && $2 != 0 && $3 != 2 && $4 !~ /udev/ {print $1}'
}
for _ in 1 2 3 4 5 6 7 8 9 10; do
    pids=$(left)
    [ -n "$pids" ] || break
    kill -9 $pids 2>/dev/null
    sleep 0.2
done
[ -z "$pids" ] || complain "processes do not die:" $pids

for name in $(ip netns list | cut -d' ' -f1); do
    ip netns pids "$name" | xargs -r kill -9
    ip netns delete "$name" || complain "network namespace $name stays"
done
# Devices that only tests make: simulated NICs, RDMA on top of a netdev, vDPA.
for path in /sys/class/infiniband/*; do
    [ ! -e "$path" ] || rdma link delete "${path##*/}" || complain "RDMA device ${path##*/} stays"
done
[ ! -d /sys/module/ib_core ] || rdma system set netns shared || complain "RDMA stays exclusive"
for path in /sys/bus/vdpa/devices/*; do
    [ ! -e "$path" ] || vdpa dev del "${path##*/}" || complain "vDPA device ${path##*/} stays"
done
for path in /sys/bus/netdevsim/devices/*; do
    [ ! -e "$path" ] || echo "${path##*/netdevsim}" > /sys/bus/netdevsim/del_device || complain "$path stays"
done
for path in /sys/class/net/*; do
    name=${path##*/}
    # What stands on top of the NICs, such as bonds and bridges, has no device below it.
    [ "$name" = lo ] || [ "$name" = bonding_masters ] || [ -e "$path/device" ] || ip link delete "$name" 2>/dev/null
done
rm -rf /tmp/* /var/lib/sriov-core/* /etc/sriov-core/* /etc/sriov-operator/* /etc/udev/rules.d/* /etc/modules-load.d/* \
    /etc/modprobe.d/* /etc/default/grub.d/* /etc/NetworkManager/conf.d/*
udevadm control --reload

for address in 0000:01:00.0 0000:02:00.0; do
    [ -e "/sys/bus/pci/devices/$address" ] || echo 1 > /sys/bus/pci/rescan
done
for address in 0000:01:00.0 0000:02:00.0; do
    device=/sys/bus/pci/devices/$address
    [ "$(basename "$(readlink "$device/driver")")" = igb ] || {
        echo > "$device/driver_override"
        [ ! -e "$device/driver" ] || echo "$address" > "$device/driver/unbind"
        echo "$address" > /sys/bus/pci/drivers/igb/bind || complain "igb does not take $address"
    }
    echo 0 > "$device/sriov_numvfs" || complain "the VFs of $address stay"
    echo 1 > "$device/sriov_drivers_autoprobe" || complain "autoprobe of $address stays off"
done
udevadm settle --timeout=30 || complain "udev does not settle"
number=1
for address in 0000:01:00.0 0000:02:00.0; do
    now=$(ls "/sys/bus/pci/devices/$address/net")
    ip link set "$now" nomaster down
    # udev has made the free name an alternative one of the renamed NIC.
    [ "$now" = "enp${number}s0" ] || ip link property del dev "$now" altname "enp${number}s0" 2>/dev/null
    [ "$now" = "enp${number}s0" ] || ip link set "$now" name "enp${number}s0" || complain "$now cannot be renamed"
    ip address flush dev "enp${number}s0"
    ip link set "enp${number}s0" mtu 1500 address "52:54:00:00:00:0$number" || complain "enp${number}s0 is not as it was"
    number=$((number + 1))
done
modprobe -r -a vfio-pci netdevsim vdpa_sim_net virtio_vdpa vhost_vdpa rdma_rxe 2>/dev/null
exit $failed
