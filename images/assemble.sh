#!/bin/sh
# Assembles the root file system of an image in layers, one step a call, so that a builder keeps what has not changed and
# a cluster that has an older image fetches the last layer only:
#
#   sh images/assemble.sh tools            what builds, which stays in this stage
#   sh images/assemble.sh system IMAGE     /layers/system: Debian's packages, unpacked without their scripts
#   sh images/assemble.sh libraries IMAGE  /layers/libraries: Python's packages, at the versions of requirements.txt
#   sh images/assemble.sh product IMAGE    /layers/product: the project itself, its programs and the bill of materials
#
# Lists are read as words on purpose.
# shellcheck disable=SC2046
#
# Runs as root in a stage that is thrown away, with Debian's own Python: the byte code has to be of the same version.
set -eu
cd "$(dirname "$0")/.."

build=/build
step=$1
name=${2:-}
case $name in
operator) prefix=/usr program=sriov-operator module=sriov_operator ;;
agent) prefix=/opt/sriov-core program=sriov-core module=sriov_core ;;
*) [ "$step" = tools ] || { echo "there is no image '$name', only operator and agent" >&2; exit 2; } ;;
esac
case $step in
system) image=/layers/system ;;
libraries) image=/layers/libraries ;;
product) image=/layers/product ;;
*) image=/layers ;;
esac
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
# Debian's Python looks there whatever its prefix is.
place=${prefix:-}/lib/python3/dist-packages
packages=$image$place

tools() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q -q update
  # A build that breaks off is thrown away, so nothing has to wait for the disk.
  apt-get -q -q -o Dpkg::Options::=--force-unsafe-io install --yes --no-install-recommends python3 python3-venv
  apt-get -q -q clean
  python3 -m venv $build/tools
  # ovs has no wheel, so its build tools are among these; no compiler is here, and it does without.
  $build/tools/bin/pip install --quiet --require-hashes --requirement images/build-requirements.txt
}

# Debian's packages by name: their files below a folder, and what each is in the form that scanners read.
unpack() {
  into=$1
  shift
  mkdir -p $build/debs $image/var/lib/dpkg/status.d "$into/usr/bin" "$into/usr/lib" "$into/usr/lib64" "$into/usr/sbin"
  for folder in bin lib lib64 sbin; do
    [ -L "$into/$folder" ] || ln -s "usr/$folder" "$into/$folder"
  done
  # apt gives its privileges away for a download, and the folder is root's.
  (cd $build/debs && apt-get -q -q -o APT::Sandbox::User=root download "$@")
  for deb in "$build"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar --extract --keep-directory-symlink --directory "$into"
    package=$(dpkg-deb --field "$deb" Package)
    { dpkg-deb --field "$deb"; echo 'Status: install ok installed'; } >$image/var/lib/dpkg/status.d/"$package"
  done
  rm -r $build/debs
}

system() {
  mkdir -p $image
  # Lists may be older than this list of packages, where a builder keeps them.
  apt-get -q -q update
  unpack $image $(cat "images/$name/packages.txt")
  if [ "$name" = agent ]; then bundle; else unpack $image $(cat images/python-packages.txt); fi
  accounts
  # Manuals, translations and examples; the licences stay.
  (cd $image/usr/share && rm -rf bash-completion bug doc-base info lintian locale man menu)
  find $image/usr/share/doc -type f ! -name copyright -delete
  find $image/usr/share/doc -type l ! -name copyright -delete
  find $image/usr/share/doc -type d -empty -delete
  stdlib=$image$prefix/lib/python$version
  (cd "$stdlib" && rm -rf ensurepip idlelib lib2to3 pydoc_data test tkinter turtledemo turtle.py sitecustomize.py)
  # Modules of libraries that are not here: terminals, NIS, old passwords, an old database.
  (cd "$stdlib/lib-dynload" && rm -f _dbm.* _curses* readline.* nis.* _crypt.* _test* _xxtest* xxlimited*)
  # Scripts for a shell that is not here.
  rm -f $image/usr/bin/ldd $image/usr/bin/tzselect
  find $image -xdev -type f -perm /6000 -exec chmod ug-s {} +
  compile "$stdlib"
  ldconfig -r $image
}

# Byte code by content, not by time: files get new times when they are copied to a node, and are never written to.
compile() {
  python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash -s $image -p / "$1"
}

# A Python that takes its own loader and libraries along, so that it runs in any place of any Linux.
bundle() {
  mkdir -p $build/python $image/opt/sriov-core/bin $image/opt/sriov-core/lib $image/opt/sriov-core/libexec
  unpack $build/python $(cat images/python-packages.txt) libudev1
  at=$build/python/usr/lib
  find "$at" -path '*-linux-gnu/*' -name 'lib*.so.*' \
    -exec cp --no-dereference --target-directory=$image/opt/sriov-core/lib {} +
  cp --dereference "$at"/*-linux-gnu/ld-linux-*.so.* $image/opt/sriov-core/lib/loader
  cp --recursive "$at/python$version" $image/opt/sriov-core/lib/
  cp "$build/python/usr/bin/python$version" $image/opt/sriov-core/libexec/python
  rm -r $build/python
  # Python finds the rest beside the name that it is started by, and starts its own children by that name, too.
  program $image/opt/sriov-core/bin/python3 <<EOF
#!/bin/sh
program=\$(readlink -f "\$0")
home=\${program%/bin/*}
exec "\$home/lib/loader" --argv0 "\$home/bin/python3" --library-path "\$home/lib" "\$home/libexec/python" -X utf8 "\$@"
EOF
  # A tool of mstflint is written in Python; its own launcher searches for one with programs that are not here.
  ln -s /opt/sriov-core/bin/python3 $image/usr/bin/python3
  tools_of_mst=$(cd $image && echo usr/lib/*-linux-gnu/mstflint/python_tools)
  program $image/usr/bin/mstfwreset <<EOF
#!/bin/sh
export PYTHONPATH=/$tools_of_mst MSTFLINT_LIB_DIR=/${tools_of_mst%/mstflint/*} MSTFLINT_BIN_DIR=/usr/bin
exec /usr/bin/python3 /$tools_of_mst/mstfwreset/mstfwreset.py "\$@"
EOF
}

accounts() {
  mkdir -p $image/etc $image/tmp $image/home
  chmod 1777 $image/tmp
  cat >$image/etc/passwd <<EOF
root:x:0:0:root:/:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/:/usr/sbin/nologin
nonroot:x:65532:65532:nonroot:/tmp:/usr/sbin/nologin
EOF
  printf '%s\n' root:x:0: nogroup:x:65534: nonroot:x:65532: >$image/etc/group
}

# A program from the text on standard input.
program() {
  cat >"$1"
  chmod 755 "$1"
}

libraries() {
  install "$packages" --require-hashes --only-binary :all: --no-binary ovs --requirement "images/$name/requirements.txt"
  prune
  compile "$packages"
}

# Into a folder, by the tools' pip, which does not become a part of what it installs.
install() {
  $build/tools/bin/pip install --quiet --no-compile --no-deps --no-build-isolation --target "$@"
  # Programs of libraries, which name an interpreter of this stage, and where a package lay here.
  rm -rf "${1:?}/bin"
  rm -f "$1"/*.dist-info/direct_url.json
}

# Of the client only connections and credentials are used (sriov_core/kube/connection.py); its hundred mebibytes of typed
# interfaces are loaded when they are asked for, and nobody asks. The packages themselves are looked up.
prune() {
  (
    cd "$packages/kubernetes"
    rm -rf aio client/api client/models
    mkdir client/api client/models
    : >client/api/__init__.py
    : >client/models/__init__.py
  )
}

product() {
  install "$packages" .
  # Its drivers and commands are found by their metadata, and where both layers are one folder.
  python3 -m venv --without-pip $build/whole
  printf '%s\n' "$packages" "/layers/libraries$place" >$build/whole/lib/python"$version"/site-packages/layers.pth
  $build/tools/bin/pip --python $build/whole check
  mkdir -p $image/usr/share/sbom $image/usr/bin "$image$prefix/bin"
  $build/tools/bin/cyclonedx-py environment --output-reproducible \
    --output-format JSON --output-file $image/usr/share/sbom/python.cdx.json $build/whole
  launcher
  compile "$packages"
}

launcher() {
  if [ "$name" = operator ]; then
    program "$image/usr/bin/$program" <<EOF
#!/usr/bin/python$version -I
import sys
from $module.cli import main
sys.exit(main())
EOF
    return
  fi
  program "$image/opt/sriov-core/bin/$program" <<EOF
#!/bin/sh
program=\$(readlink -f "\$0")
exec "\${program%/*}/python3" -I -m $module "\$@"
EOF
  ln -s "/opt/sriov-core/bin/$program" "$image/usr/bin/$program"
}

"$step"
