"""Two layers in the way of Docker's and Go's writers, and the folder that they amount to.

Arguments: a folder for lower.tar, upper.tar and expected/. Names have no `./`, directories end in `/`,
records are Go's, whiteouts AUFS's.
"""
import os
import sys
import tarfile
from io import BytesIO

os.chdir(sys.argv[1])
CAPABILITY = "\x01\0\0\x02\0\x20\0\0" + "\0" * 12


def entry(tar, name, kind=tarfile.REGTYPE, body=b"", mode=0o644, target="", records=None, mtime=1_600_000_000, uid=0):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode, info.linkname = kind, len(body), mode, target
    info.mtime, info.uid, info.gid, info.uname, info.gname = mtime, uid, uid, "root", "root"
    info.pax_headers = dict(records or {})
    if kind == tarfile.DIRTYPE:
        # tarfile writes the slash itself.
        info.mode = 0o755 if mode == 0o644 else mode
    tar.addfile(info, BytesIO(body))


def layer(path):
    return tarfile.open(path, "w", format=tarfile.PAX_FORMAT)


CREATED = {"LIBARCHIVE.creationtime": "1600000000.25", "mtime": "1600000000.023960108"}
with layer("lower.tar") as tar:
    for name in ["bin", "etc", "etc/apt", "etc/apt/old", "usr", "usr/bin", "usr/lib", "var", "var/cache", "var/log"]:
        entry(tar, name, tarfile.DIRTYPE)
    entry(tar, "tmp", tarfile.DIRTYPE, mode=0o1777)
    entry(tar, "lib", tarfile.SYMTYPE, target="usr/lib", mode=0o777)
    entry(tar, "usr/lib/libc.so.6", body=b"libc", records=CREATED)
    entry(tar, "usr/bin/ping", body=b"ping", mode=0o755, records={"SCHILY.xattr.security.capability": CAPABILITY})
    entry(tar, "usr/bin/perl", body=b"perl", mode=0o755)
    entry(tar, "usr/bin/perl5.36", tarfile.LNKTYPE, target="usr/bin/perl", mode=0o755)
    entry(tar, "usr/bin/passwd", body=b"passwd", mode=0o4755)
    for name in ["etc/passwd", "etc/hostname", "etc/apt/sources.list", "etc/apt/old/a", "var/cache/a", "var/cache/b", "var/log/dpkg"]:
        entry(tar, name, body=name.encode(), records=CREATED)
with layer("upper.tar") as tar:
    entry(tar, "etc", tarfile.DIRTYPE)
    entry(tar, "etc/.wh.hostname")
    entry(tar, "etc/passwd", body=b"changed", records=CREATED)
    entry(tar, "etc/apt", tarfile.DIRTYPE)
    entry(tar, "etc/apt/.wh.old")
    entry(tar, "lib/libnew.so", body=b"new")
    entry(tar, "usr/bin/.wh.perl")
    entry(tar, "var/cache", tarfile.DIRTYPE)
    entry(tar, "var/cache/.wh..wh..opq")
    entry(tar, "var/cache/c", body=b"c", uid=33)
    entry(tar, "\u00fc" * 80, body=b"long")

# What they amount to, done by hand: extract, remove, extract what is not a whiteout.
os.mkdir("expected")
GNU = "tar --numeric-owner --xattrs --xattrs-include='*' --delay-directory-restore -xpf %s -C expected %s"
assert os.system(GNU % ("lower.tar", "")) == 0
assert os.system("cd expected && rm -r etc/hostname etc/apt/old usr/bin/perl var/cache/a var/cache/b") == 0
assert os.system(GNU % ("upper.tar", "--keep-directory-symlink --exclude='.wh.*'")) == 0
for folder, ns in [("usr/lib", 1_600_000_000), ("usr/bin", 1_600_000_000), ("var", 1_600_000_000)]:
    os.utime("expected/" + folder, ns=(ns * 10**9, ns * 10**9))
os.utime("expected", ns=(0, 0))
os.chmod("expected", 0o755)
