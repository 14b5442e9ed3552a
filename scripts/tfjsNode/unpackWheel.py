"""unpackWheel.py WHEEL FOLDER PATTERN...: what of a wheel matches, with its checksums checked; prints how many files each did."""

import fnmatch
import sys
import zipfile

wheel, folder, *patterns = sys.argv[1:]
try:
    with zipfile.ZipFile(wheel) as archive:
        found = [fnmatch.filter(archive.namelist(), pattern) for pattern in patterns]
        # One by one: extract() keeps every name inside the folder.
        for name in [name for names in found for name in names]:
            archive.extract(name, folder)
    print(*map(len, found))
except (zipfile.BadZipFile, OSError) as error:
    sys.exit(f'error: {error}')
