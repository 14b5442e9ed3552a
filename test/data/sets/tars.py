"""Writes tar archives by Python's tarfile, GNU tar and bsdtar, and what tarfile reads from each.

Usage: python tars.py FOLDER SEED. Writes FOLDER/*.tar, and FOLDER/expected.json: for each archive the names of its
folders, and of its files and links with the SHA-256 of what they contain, null for a link that leads nowhere.
"""
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile

folder, seed = sys.argv[1], int(sys.argv[2])
draw = random.Random(seed)
ALPHABET = 'abcXYZ019 =\n\t.-_+,;"\'\\é猫🐱ｶß'


def name(length):
    text = ''.join(draw.choice(ALPHABET) for _ in range(length)).strip('.')
    return text or 'x'


def contents():
    """Files by path: short names, names of more than 100 bytes, paths of more than 255."""
    lengths = [(1,), (5,), (12, 9), (20,), (40, 45), (60, 50), (30, 31, 32, 33), (70, 70, 70, 70)]
    lengths += [tuple(draw.randrange(1, 30) for _ in range(draw.randrange(1, 4))) for _ in range(10)]
    # The first part is numbered, so that no file has the name of a folder.
    paths = ['/'.join([f'{i} {name(parts[0])}', *map(name, parts[1:])]) for i, parts in enumerate(lengths)]
    return {path: draw.randbytes(draw.choice([0, 1, 511, 512, 513, 3000])) for path in paths}


def write(path, format, files):
    with tarfile.open(path, 'w', format=format, encoding='utf-8') as tar:
        previous = None
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = draw.choice([0, 1e9, 1.5e9 + 0.25, -86400])
            info.pax_headers = {'comment': 'a=b c\nd'} if format == tarfile.PAX_FORMAT else {}
            if format == tarfile.USTAR_FORMAT:
                info.mtime = abs(int(info.mtime))
            try:
                tar.addfile(info, io.BytesIO(data))
            except ValueError:
                # Too long for ustar.
                continue
            if previous is not None and draw.random() < 0.3:
                link = tarfile.TarInfo(f'link to {len(tar.members)}')
                link.type, link.linkname = draw.choice([tarfile.LNKTYPE, tarfile.SYMTYPE]), previous
                try:
                    tar.addfile(link)
                except ValueError:
                    continue
            previous = name


def read(path):
    files, folders = {}, []
    with tarfile.open(path, encoding='utf-8') as tar:
        for member in tar:
            if member.isdir():
                folders.append(os.path.normpath(member.name))
                continue
            try:
                files[member.name] = hashlib.sha256(tar.extractfile(member).read()).hexdigest()
            except KeyError:
                # A link to a file that the format could not store.
                files[member.name] = None
    return {'files': files, 'folders': [one for one in folders if one != '.']}


archives = []
for label, format in [('ustar', tarfile.USTAR_FORMAT), ('gnu', tarfile.GNU_FORMAT), ('pax', tarfile.PAX_FORMAT)]:
    for i in range(3):
        archives.append(f'tarfile {label} {i}.tar')
        write(os.path.join(folder, archives[-1]), format, contents())

programs = {'tar': ['v7', 'oldgnu', 'gnu', 'ustar', 'posix'], 'bsdtar': ['v7', 'gnutar', 'ustar', 'pax', 'paxr']}
for program, formats in programs.items():
    if shutil.which(program) is None:
        continue
    tree = os.path.join(folder, f'tree of {program}')
    for path, data in contents().items():
        os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
        with open(os.path.join(tree, path), 'wb') as file:
            file.write(data)
    os.makedirs(os.path.join(tree, 'linked'))
    with open(os.path.join(tree, 'linked', 'first'), 'wb') as file:
        file.write(b'linked')
    os.utime(os.path.join(tree, 'linked', 'first'), (-86400, -86400))
    os.link(os.path.join(tree, 'linked', 'first'), os.path.join(tree, 'linked', 'hard'))
    os.symlink('first', os.path.join(tree, 'linked', 'soft'))
    for format in formats:
        archive = os.path.join(folder, f'{program} {format}.tar')
        # Names that are too long for a format are left out, with an error.
        subprocess.run([program, f'--format={format}', '-cf', archive, '.'], cwd=tree, capture_output=True)
        archives.append(os.path.basename(archive))



def member(name, data=b'', type=b'0'):
    """The blocks of a member, whose header tarfile writes."""
    info = tarfile.TarInfo(name)
    info.type, info.size = type, len(data)
    return bytearray(info.tobuf(tarfile.USTAR_FORMAT, 'utf-8') + data + bytes(-len(data) % 512))


def record(key, value):
    rest = f' {key}={value}\n'.encode()
    length = len(rest) + len(str(len(rest) + 2))
    return str(length).encode() + rest


def with_checksum(blocks, signed):
    sums = tarfile.calc_chksums(bytes(blocks[:512]))
    blocks[148:156] = f'{sums[1 if signed else 0]:06o}\0 '.encode()
    return blocks


def in_base_256(blocks):
    size = int(bytes(blocks[124:135]), 8)
    blocks[124:136] = b'\x80' + size.to_bytes(11, 'big')
    return with_checksum(blocks, False)


def add(label, *members):
    archives.append(f'{label}.tar')
    with open(os.path.join(folder, archives[-1]), 'wb') as file:
        file.write(b''.join(members) + bytes(1024))


own = member('own', record('path', 'long name of the first'), b'x')
everyone = member('all', record('comment', 'of all'), b'g')
files = [member('cut', b'first'), member('second', b'2')]
add('records, then those of all', own, everyone, *files)
add('records, then those of all twice', own, everyone, everyone, *files,
    member('other', record('path', 'long name of the third'), b'x'), everyone, member('third', b'3'))
add('signed checksums', *[with_checksum(member(f'é猫/{i}ß', b'data' * i), True) for i in range(3)])
add('records whose size is in base 256', in_base_256(own), *files, in_base_256(everyone), member('third', b'3'))
add('files whose size is in base 256', *[in_base_256(member(f'{i}', b'x' * 600 * i)) for i in range(3)])

with open(os.path.join(folder, 'expected.json'), 'w') as file:
    json.dump({archive: read(os.path.join(folder, archive)) for archive in archives}, file)
