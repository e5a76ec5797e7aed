"""Makes a tree with everything in it that an archive can hold. Root only.

Arguments: an empty folder, and how many small files it gets.
"""
import os
import stat
import struct
import sys

os.chdir(os.fsencode(sys.argv[1]))
CAPABILITY = struct.pack("<IIIII", 0x02000001, 0x2000, 0, 0, 0)
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in [(1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 4, 0xFFFFFFFF)]
)


def write(path, body=b"", mode=0o644, uid=0, gid=0, ns=1_350_244_992_000_000_000, xattrs=()):
    with open(path, "wb") as file:
        file.write(body)
    os.chown(path, uid, gid)
    os.chmod(path, mode)
    for name, value in xattrs:
        os.setxattr(path, name, value)
    os.utime(path, ns=(ns, ns))


def sparse(path, size, pieces):
    with open(path, "wb") as file:
        for offset, body in pieces:
            file.seek(offset)
            file.write(body)
        file.truncate(size)


os.mkdir(b"many")
for number in range(int(sys.argv[2])):
    write(b"many/%04d" % number, b"%d" % number)

os.mkdir(b"kinds")
write(b"kinds/empty")
write(b"kinds/block", bytes(512))
write(b"kinds/large", bytes(n % 251 for n in range(300_001)))
os.mkfifo(b"kinds/fifo", 0o600)
os.mknod(b"kinds/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
os.mknod(b"kinds/wide", 0o600 | stat.S_IFCHR, os.makedev(250, 70_000))
os.mknod(b"kinds/loop", 0o660 | stat.S_IFBLK, os.makedev(7, 0))
os.mkdir(b"kinds/empty-dir", 0o711)
for name, target in [(b"up", b"../../../etc/passwd"), (b"absolute", b"/usr/bin/env"), (b"itself", b"itself"),
                     (b"dir", b"../many"), (b"dangling", b"no/where"), (b"odd", b"\xff\n'\"\\ "), (b"slash", b"../many/")]:
    os.symlink(target, b"kinds/" + name)

os.mkdir(b"links")
write(b"links/a", b"linked")
for name in [b"links/b", b"many/linked", b"0-first"]:
    os.link(b"links/a", name)
os.symlink(b"a", b"links/s")
os.link(b"links/s", b"links/t", follow_symlinks=False)
write(b"links/empty")
os.link(b"links/empty", b"links/empty-too")

os.mkdir(b"sparse")
sparse(b"sparse/middle", 1 << 20, [(1 << 18, b"x" * 5000), (3 << 18, b"y")])
sparse(b"sparse/hole", 1 << 18, [])
sparse(b"sparse/head", 1 << 18, [(0, b"z" * 4096)])
sparse(b"sparse/tail", (1 << 18) + 7, [(1 << 18, b"z" * 7)])
sparse(b"sparse/many", 2 << 20, [(n << 16, b"%d" % n) for n in range(30)])

os.mkdir(b"names")
for length in [99, 100, 101, 155, 156, 254, 255]:
    write(b"names/" + b"n" * length)
for name in ["\u00fc", "u\u0308", "\u65e5\u672c", "\U0001f600", " ", "a b", "new\nline", "tab\t", "back\\slash", "quote'\"",
             "-dash", "...", "..a", "*", "trailing ", "a=b", "%41", "\x01", "\x7f"]:
    write(b"names/" + name.encode())
write(b"names/\xff\xfe\x80")
write(b"names/" + b"\xe9" * 120)
deep = b"names"
for level in range(5):
    deep += b"/" + b"%d" % level + b"d" * 90
    os.mkdir(deep)
    write(deep + b"/file", b"%d" % level)
os.symlink(b"t" * 101, b"names/long-target")
os.symlink(b"../" * 300 + b"t", b"names/longer-target")
os.link(deep + b"/file", b"names/linked-to-long")
os.link(b"names/" + b"n" * 255, deep + b"/linked")

os.mkdir(b"modes")
for mode in [0o4755, 0o2755, 0o6711, 0o1644, 0o7777, 0o000, 0o400, 0o666]:
    write(b"modes/%o" % mode, mode=mode)
    os.mkdir(b"modes/dir-%o" % mode)
    os.chmod(b"modes/dir-%o" % mode, mode)

os.mkdir(b"owners")
for number in [1, 1000, 65534, 65535, 2_097_151, 2_097_152, 4_000_000_000, 4_294_967_294]:
    write(b"owners/%d" % number, uid=number, gid=4_294_967_294 - number)
os.symlink(b"1", b"owners/link")
os.lchown(b"owners/link", 1234, 5678)

os.mkdir(b"times")
for ns in [0, 1_000_001, 500_000_000, -1_000_000_000, -500_000_000, -86_400_000_000_000, 1_350_244_992_023_960_108,
           8_589_934_591_000_000_000, 8_589_934_592_000_000_000]:
    write(b"times/%d" % ns, ns=ns)
os.symlink(b"0", b"times/link")
os.utime(b"times/link", ns=(7_250_000_000, 7_250_000_000), follow_symlinks=False)

os.mkdir(b"xattrs")
write(b"xattrs/user", xattrs=[(b"user.comment", b"text"), (b"user.binary", b"\0\n=\xff"), (b"user.empty", b"")])
write(b"xattrs/odd", xattrs=[(b"user.a b%c", b"1"), (b"user.\xc3\xbc", b"2")])
write(b"xattrs/capable", mode=0o755, xattrs=[(b"security.capability", CAPABILITY)])
write(b"xattrs/acl", xattrs=[(b"system.posix_acl_access", ACL)])
write(b"xattrs/trusted", xattrs=[(b"trusted.overlay.origin", b"x")])
os.mkdir(b"xattrs/dir")
os.setxattr(b"xattrs/dir", b"user.dir", b"yes")

for at, ns in [(b"times", 1_500_000_000), (b"kinds", -1_500_000_000), (b".", 99_000_000_000)]:
    os.utime(at, ns=(ns, ns))
