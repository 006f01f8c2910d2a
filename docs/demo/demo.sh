#!/bin/sh
# The whole story on simulated machines, from a policy to a healed fault and back: no root, no network, no cluster.
# Ends with 0 when every command ended and said as it should, else with 1 and which one did not.
# SRIOV_CORE names the program when it is not on the PATH.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
trees=$here/../../tests/trees
: "${SRIOV_CORE:=sriov-core}"
WIDTH=110
ONLY=
export WIDTH ONLY
bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1;34m') plain=$(printf '\033[0m')
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"
cp "$here"/cluster.yaml "$here"/pod.yaml .
for node in worker-1:intel-xl710 worker-2:mellanox-connectx6dx; do
    sed "s/^node:/&\n  hostname: ${node%:*}/" "$trees/${node#*:}.yaml" > "${node%:*}.yaml"
done

chapters=0
chapter() {
    chapters=$((chapters + 1))
    printf '\n%s%s. %s%s\n' "$bold" "$chapters" "$1" "$plain"
}

failed() {
    printf 'The demonstration failed: %s\n' "$1" >&2
    exit 1
}

# shell COMMAND: carry out what the story needs besides, and show it; of its output the lines that match ONLY.
shell() {
    printf '$ %s\n' "$1"
    sh -c "$1" > said 2>&1 || { cat said; failed "$1"; }
    awk -f "$here/show.awk" said || failed "$1: no line matches $ONLY"
    ONLY=
}

# run EXIT-CODE VERB ARGUMENTS...: show the command, and of what it says the lines that match ONLY; insist on its exit code.
run() {
    expected=$1 code=0
    shift
    printf '$ sriov-core %s\n' "$*"
    "$SRIOV_CORE" "$@" > said 2>&1 || code=$?
    if [ "$code" -ne "$expected" ]; then
        cat said
        failed "sriov-core $*: the exit code is $code, and $expected was expected"
    fi
    awk -f "$here/show.awk" said || failed "sriov-core $*: no line matches $ONLY"
    [ "$code" -eq 0 ] || printf '  (exit code %s)\n' "$code"
    ONLY=
}

# says TEXT: the command before has said so.
says() {
    grep -qF -- "$1" said || failed "this was to be said above, and was not: $1"
}

echo 'Two simulated machines, and a cluster in a file; nothing real is touched. Of long outputs a part is shown.'

chapter 'What is wished? On one node four VFs of one port, for two uses; on the other two VFs behind a switch.'
ONLY='^kind: Sriov.*(Policy|Network)$|^  name: [^w]|resourceName|deviceType|numVfs|mtu|eSwitch|pfNames|vlan|card: [a-z0-9]*$'
shell 'cat cluster.yaml'

chapter 'Would a cluster take it? As its admission webhook judges:'
run 0 validate -f cluster.yaml

chapter 'What follows? A wish for each node, a configuration for the device plugin, an attachment for pods.'
ONLY='^kind|^  name:|pciAddress|numVfs|^    mtu|eSwitch|resourceName: [a-z_]*$|vfRange|^  worker|"type": "sriov"|"vlan"'
run 0 render -f cluster.yaml
says '"pfNames":["ens803f0#2-3"]'
for number in 1 2; do
    awk -v RS='---\n' "/kind: SriovNetworkNodeState/ && /name: worker-$number/" said > "wish-$number.yaml"
done
awk -v RS='---\n' '/kind: NetworkAttachmentDefinition/' said > attachment.yaml

chapter 'What would that change, and at which cost? (exit code 2: there is something to do)'
run 2 plan -f wish-1.yaml --host worker-1.yaml
says 'cost: link-flap'
run 2 plan -f wish-2.yaml --host worker-2.yaml
says 'eswitch legacy -> switchdev'

chapter 'Do it. The machines are files here, and so is the journal of what was there before.'
ONLY='^\[.*(MTU 1|autoprobe|VFs|kernel)|^done|^  0000'
run 0 apply --yes -f wish-1.yaml --host worker-1.yaml --save worker-1.yaml --journal journal-1.json
ONLY='^\[.*(VFs|eswitch|vf0)|^done|^  0000'
run 0 apply --yes -f wish-2.yaml --host worker-2.yaml --save worker-2.yaml --journal journal-2.json
run 0 plan -f wish-1.yaml --host worker-1.yaml --journal journal-1.json
says 'nothing to do'

chapter 'A pod names the network. The injector gives it the device; nobody writes that into the pod.'
ONLY='networks:|resources|requests|limits|openshift.io'
run 0 inject -f pod.yaml -f attachment.yaml
says 'openshift.io/plain: "1"'

chapter 'Behind our back somebody takes the kernel driver from vf1. Only that is mended; no other VF is touched.'
shell "sed -i '/- index: 1\$/,/- index: 2\$/{/driver/d}' worker-1.yaml"
run 2 plan -f wish-1.yaml --host worker-1.yaml --journal journal-1.json
says '1 step on 1 NIC'
ONLY='^\[|^done|^  0000'
run 0 apply --yes -f wish-1.yaml --host worker-1.yaml --save worker-1.yaml --journal journal-1.json

chapter 'Mistakes are refused before anything happens, and what was meant is named.'
shell "sed '/#0-1/s/pfNames/pfName/' cluster.yaml > misspelled.yaml"
ONLY='pfName'
run 1 validate -f misspelled.yaml
says 'Did you mean pfNames?'
shell "sed 's/numVfs: 4/numVfs: 400/' wish-1.yaml > too-many.yaml"
ONLY='400 VFs|remedy'
run 1 plan -f too-many.yaml --host worker-1.yaml --journal journal-1.json
shell "sed 's/deviceType: vfio-pci/deviceType: netdevice/' wish-1.yaml > other-use.yaml"
ONLY='^error'
run 1 apply --yes --max-cost link-flap -f other-use.yaml --host worker-1.yaml --journal journal-1.json

chapter 'What is on the port now?'
ONLY='^0000|^  link|^  MTU|^  VFs|ADDRESS|^[0-9]|findings'
run 0 probe ens803f0 --host worker-1.yaml --journal journal-1.json
says 'vfio-pci'

chapter 'Everything is given back: the machines become what they were before.'
ONLY='^done|^  0000'
run 0 reset --yes --all --host worker-1.yaml --save worker-1.yaml --journal journal-1.json
ONLY='^done|^  0000'
run 0 reset --yes --all --host worker-2.yaml --save worker-2.yaml --journal journal-2.json
ONLY='^0000|^  MTU|^  VFs|findings'
run 0 probe ens803f0 --host worker-1.yaml --journal journal-1.json
says '0/0/64'
says 'no findings'
