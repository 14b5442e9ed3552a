"""unpackWheel.py WHEEL FOLDER PATTERN...: what of a wheel matches, with its checksums checked; prints how many files."""

import fnmatch
import sys
import zipfile

wheel, folder, *patterns = sys.argv[1:]
try:
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if any(fnmatch.fnmatchcase(n, p) for p in patterns)]
        # One by one: extract() keeps every name inside the folder.
        for name in names:
            archive.extract(name, folder)
    print(len(names))
except (zipfile.BadZipFile, OSError) as error:
    sys.exit(f'error: {error}')
