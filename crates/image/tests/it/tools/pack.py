"""Packs a folder with Python's tarfile. Arguments: the format, the folder, the archive."""
import os
import sys
import tarfile

FORMAT, FOLDER, ARCHIVE = sys.argv[1:]
with tarfile.open(ARCHIVE, "w", format=getattr(tarfile, FORMAT), encoding="utf-8", errors="surrogateescape") as tar:
    tar.add(FOLDER, arcname=".", recursive=False)
    for folder, folders, files in os.walk(FOLDER):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            try:
                tar.add(path, arcname=os.path.relpath(path, FOLDER), recursive=False)
            except ValueError:
                pass  # Too long a name, or too large a number, for the format.
