#!/bin/sh
# The whole job on a simulated machine: no root, no cluster, no hardware. Ends with 0 when every command
# ended as it should. SRIOV_CORE names the command when it is not on the PATH.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
tests=$here/../../tests
: "${SRIOV_CORE:=sriov-core}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cd "$work"
cp "$tests/trees/intel-xl710.yaml" machine.yaml
cp "$tests/vectors/manifests/vfio-policy.yaml" "$tests/vectors/manifests/readme-policy.yaml" "$here"/*.yaml .

say() {
    printf '\n# %s\n' "$1"
}

# run EXIT-CODE VERB ARGUMENTS...: print the command, run it, insist on its exit code.
run() {
    expected=$1
    shift
    printf '$ sriov-core %s\n' "$*"
    code=0
    "$SRIOV_CORE" "$@" || code=$?
    printf '(exit code %s)\n' "$code"
    if [ "$code" -ne "$expected" ]; then
        printf 'The demonstration failed: exit code %s was expected.\n' "$expected" >&2
        exit 1
    fi
}

say 'A machine with two ports of an Intel XL710. What is here?'
run 0 probe --host machine.yaml

say 'What would an existing policy change, and what would it cost? (exit code 2: there are changes)'
run 2 plan -f vfio-policy.yaml --host machine.yaml

say 'Do it. The changed machine and the journal are kept in files, as the kernel and the disk would.'
run 0 apply --yes -f vfio-policy.yaml --host machine.yaml --save machine.yaml --journal journal.json

say 'Once more: nothing to do.'
run 0 apply --yes -f vfio-policy.yaml --host machine.yaml --save machine.yaml --journal journal.json

say 'Two groups on one port instead: more VFs, so the old ones go; the plan says which.'
run 0 explain -f two-groups.yaml --host machine.yaml
run 0 apply --yes -f two-groups.yaml --host machine.yaml --save machine.yaml --journal journal.json

say 'Now the second group shall be vfio-pci, too. Only its own VFs are touched; vf0 to vf2 stay as they are.'
sed 's/deviceType: netdevice/deviceType: vfio-pci/' two-groups.yaml > changed.yaml
run 2 plan -f changed.yaml --host machine.yaml --journal journal.json

say 'Whoever forbids even that gets a refusal, and nothing is changed.'
run 1 apply --yes --max-cost link-flap -f changed.yaml --host machine.yaml --journal journal.json
run 0 apply --yes -f changed.yaml --host machine.yaml --save machine.yaml --journal journal.json

say 'A policy with a misspelled field is refused; the field that was meant is named.'
run 1 apply --yes -f readme-policy.yaml --host machine.yaml --journal journal.json

say 'A PF that is not here is refused; the nearest one is named.'
sed 's/ens803f0#/ens803#/' two-groups.yaml > absent.yaml
run 1 plan -f absent.yaml --host machine.yaml --journal journal.json

say 'What is on the port now?'
run 0 probe ens803f0 --host machine.yaml --journal journal.json

say 'Give the port back: it becomes what it was before the first change.'
run 0 reset --yes --all --host machine.yaml --save machine.yaml --journal journal.json
run 0 probe --host machine.yaml --journal journal.json

say 'A cluster in a file: would it admit these objects, and what would it make of them?'
run 0 validate -f cluster.yaml
run 0 render -f cluster.yaml

say 'A pod that asks for the network: what would it be like after admission?'
"$SRIOV_CORE" render -f cluster.yaml > rendered.yaml
run 0 inject -f pod.yaml -f rendered.yaml
