"""Lists folders, a line a path, in the words of the tests: fields with tabs between, names in hex.

After each folder comes an empty line.
"""
import hashlib
import os
import stat
import sys


def walk(root):
    paths = [b"/"]
    for folder, folders, files in os.walk(root):
        below = folder[len(root):]
        paths += [below + b"/" + name for name in folders + files]
    first = {}
    for path in sorted(paths):
        found = os.lstat(root + path)
        mode = found.st_mode
        content = {
            stat.S_IFREG: lambda: "file %d %s" % (found.st_size, hashlib.sha256(open(root + path, "rb").read()).hexdigest()),
            stat.S_IFDIR: lambda: "dir",
            stat.S_IFLNK: lambda: "symlink " + os.readlink(root + path).hex(),
            stat.S_IFCHR: lambda: "char %d %d" % (os.major(found.st_rdev), os.minor(found.st_rdev)),
            stat.S_IFBLK: lambda: "block %d %d" % (os.major(found.st_rdev), os.minor(found.st_rdev)),
            stat.S_IFIFO: lambda: "fifo",
        }[stat.S_IFMT(mode)]()
        group = ""
        if not stat.S_ISDIR(mode) and found.st_nlink > 1:
            group = first.setdefault(found.st_ino, path).hex()
        names = sorted(os.listxattr(root + path, follow_symlinks=False))
        kept = [name for name in names if name.startswith("user.") or name == "security.capability"]
        xattrs = [os.fsencode(name).hex() + "=" + os.getxattr(root + path, name, follow_symlinks=False).hex() for name in kept]
        print(path.hex(), content, stat.S_IMODE(mode), found.st_uid, found.st_gid, found.st_mtime_ns, group, ",".join(xattrs), sep="\t")


for root in sys.argv[1:]:
    walk(os.fsencode(root))
    print()
