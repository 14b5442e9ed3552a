/** Each file that people hold instead of weights is named, with what to do, from bytes, files, streams and servers. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { WeightsError } from '../../src/core/errors.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { cutShards } from '../../src/io/cutShards.js';
import { fileKind, HEAD, imageKind, jsonKind, textKind } from '../../src/io/fileKind.js';
import { openShards } from '../../src/io/openShards.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { readWeights } from '../../src/io/weightsFile.js';
import { loadModel } from '../../src/model/loadModel.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { refusal } from './refusal.js';
import { slowServer } from './slowServer.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();

/** Bytes from text, in which \x00 to \xff are single bytes, and zeros to a length. */
const binary = (text: string, length = 1000): Buffer =>
  Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(Math.max(0, length - text.length))]);
const utf8 = (text: string): Buffer => Buffer.from(text);

/** The local header of the first entry of a zip archive. */
const zip = (name: string, checksum = 0): Buffer => {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(checksum, 14);
  header.write('PK\x03\x04', 'latin1');
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, utf8(name), deflateRawSync(Buffer.alloc(2000))]);
};

const tar = binary('train/cat/1.png');
tar.write('ustar\x0000', 257, 'latin1');

const PAGE = '<!DOCTYPE html>\n<html lang="en"><head><title>Not found</title>';
const LFS = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 62095216\n';

const ARRAYS = 'a pickle of NumPy arrays, as Python or PaddlePaddle writes it';

/** The file, what it is, and a part of the hint. */
const FILES: readonly (readonly [name: string, bytes: Buffer, kind: string, hint: string])[] = [
  ['empty', Buffer.alloc(0), 'an empty file', 'Download, copy or export the file again.'],
  ['five bytes', binary('\x80\x01\x00\x00\x00', 5), '5 bytes: it is cut short', 'again'],
  ['only a length', binary('\x80\x01', 8), '8 bytes: it is cut short', 'again'],
  ['zeros', Buffer.alloc(5000), 'only zeros', 'again'],
  ['page', utf8(PAGE), 'an HTML page', 'check the URL'],
  ['page in capitals', utf8('\n  <HTML><BODY>'), 'an HTML page', 'check the URL'],
  ['page with a byte order mark', utf8('\uFEFF<!doctype html>'), 'an HTML page', 'check the URL'],
  ['page that begins with a comment', utf8('<!-- saved from -->\n<html>'), 'an HTML page', 'check the URL'],
  ['script', utf8('<script>location="/"</script>'), 'an HTML page', 'check the URL'],
  ['page in UTF-16', Buffer.from('\uFEFF<!doctype html>', 'utf16le'), 'an HTML page', 'check the URL'],
  ['xml', utf8('<?xml version="1.0"?>\n<net/>'), 'XML', 'check the URL'],
  ['xml without a declaration', utf8('<net/>'), 'XML', 'check the URL'],
  [
    'error of S3',
    utf8('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'),
    'XML: the error NoSuchKey of a server',
    'check the URL',
  ],
  ['svg', utf8('<svg xmlns="http://www.w3.org/2000/svg">'), 'an SVG image', 'images'],
  ['lfs', utf8(LFS), 'a Git LFS pointer', 'git lfs pull'],
  ['annex', utf8('../.git/annex/objects/4k/2z/SHA256E-s62095216--9f'), 'a git-annex pointer', 'git annex get'],
  ['annex, unlocked', utf8('/annex/objects/SHA256E-s62095216--9f'), 'a git-annex pointer', 'git annex get'],
  ['png', binary('\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR'), 'a PNG image', 'classify'],
  ['jpeg', binary('\xff\xd8\xff\xe0\x00\x10JFIF'), 'a JPEG image', 'classify'],
  ['gif', binary('GIF89a\x10\x00'), 'a GIF image', 'classify'],
  ['webp', binary('RIFF\x24\x10\x00\x00WEBPVP8 '), 'a WebP image', 'classify'],
  ['avif', binary('\x00\x00\x00\x20ftypavif'), 'an AVIF image', 'classify'],
  ['heic', binary('\x00\x00\x00\x20ftypheic'), 'a HEIC image', 'classify'],
  ['tiff, little endian', binary('II\x2a\x00\x08'), 'a TIFF image', 'classify'],
  ['tiff, big endian', binary('MM\x00\x2a\x00'), 'a TIFF image', 'classify'],
  ['gzip', gzipSync(Buffer.alloc(1000)), 'gzip', 'Decompress'],
  ['bzip2', binary('BZh91AY&SY'), 'bzip2', 'Decompress'],
  ['xz', binary('\xfd7zXZ\x00\x00\x04'), 'xz', 'Decompress'],
  ['zstd', binary('\x28\xb5\x2f\xfd\x04'), 'zstd', 'Decompress'],
  ['lz4', binary('\x04\x22\x4d\x18\x64'), 'lz4', 'Decompress'],
  ['7z', binary('7z\xbc\xaf\x27\x1c\x00\x04'), 'a 7z archive', 'Extract'],
  ['rar', binary('Rar!\x1a\x07\x01'), 'a RAR archive', 'Extract'],
  ['tar', tar, 'a tar archive', 'Extract'],
  ['zip', zip('net.safetensors'), 'a zip archive', 'Extract'],
  ['empty zip', binary('PK\x05\x06', 22), 'an empty zip archive', 'again'],
  ['pth', zip('archive/data.pkl'), 'a PyTorch checkpoint (zip)', 'vanillanet convert'],
  ['pth of another order', zip('vanillanet_5/version'), 'a PyTorch checkpoint (zip)', 'vanillanet convert'],
  ['TorchScript', zip('net/data/0'), 'a PyTorch checkpoint (zip)', 'vanillanet convert'],
  ['pth with a slash in its checksum', zip('net/data.pkl', 0x2f), 'a PyTorch checkpoint (zip)', 'vanillanet convert'],
  ['npz with a slash in its checksum', zip('w.npy', 0x2f00), 'NumPy arrays (.npz)', 'safetensors.numpy.save_file'],
  [
    'legacy pth',
    binary('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.'),
    'a PyTorch checkpoint (legacy format)',
    'vanillanet convert',
  ],
  ['npz', zip('stem1.0.weight.npy'), 'NumPy arrays (.npz)', 'safetensors.numpy.save_file'],
  ['keras', zip('metadata.json'), 'a Keras model (.keras)', 'vanillanet convert'],
  ['npy', binary("\x93NUMPY\x01\x00v\x00{'descr': '<f4'"), 'a NumPy array (.npy)', 'safetensors.numpy.save_file'],
  ['h5', binary('\x89HDF\r\n\x1a\n\x00'), 'an HDF5 file, as Keras writes it', 'vanillanet convert'],
  [
    'pdparams of protocol 4',
    binary('\x80\x04\x95\xa4\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01w\x94h\x01\x8c\x16numpy._core.multiarray\x94'),
    'a pickle of NumPy arrays, as Python or PaddlePaddle writes it',
    'vanillanet convert',
  ],
  [
    'pdparams of protocol 2',
    binary('\x80\x02}q\x00X\x0e\x00\x00\x00stem1.0.weightq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02'),
    'a pickle of NumPy arrays, as Python or PaddlePaddle writes it',
    'vanillanet convert',
  ],
  [
    'pdparams with its table of names first',
    binary('\x80\x04\x95\xa4\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x1bStructuredToParameterName@@\x94'),
    'a pickle, as PaddlePaddle writes it',
    'vanillanet convert',
  ],
  // The beginnings of pickle.dumps({'stem1.0.weight': array}), of an OrderedDict, of a list, of an array, by protocol.
  [
    'dict of arrays, protocol 0',
    binary('(dp0\nVstem1.0.weight\np1\ncnumpy._core.multiarray\n_rec'),
    ARRAYS,
    'pickle.load',
  ],
  [
    'dict of arrays, protocol 1',
    binary('}q\x00X\x0e\x00\x00\x00stem1.0.weightq\x01cnumpy._core.multi'),
    ARRAYS,
    'pickle.load',
  ],
  [
    'dict of arrays, protocol 3',
    binary('\x80\x03}q\x00X\x0e\x00\x00\x00stem1.0.weightq\x01cnumpy._core.mu'),
    ARRAYS,
    'pickle.load',
  ],
  [
    'array, protocol 0',
    binary('cnumpy._core.multiarray\n_reconstruct\np0\n(cnumpy\nndarray\np1'),
    ARRAYS,
    'pickle.load',
  ],
  [
    'array, protocol 5',
    binary('\x80\x05\x95\x8c\x00\x00\x00\x00\x00\x00\x00\x8c\x13numpy._core.numeric\x94'),
    ARRAYS,
    'pickle.load',
  ],
  [
    'OrderedDict, protocol 0',
    binary('ccollections\nOrderedDict\np0\n(tRp1\nVa\np2\nI1\ns.'),
    'a pickle, as Python',
    'may run code',
  ],
  [
    'OrderedDict, protocol 1',
    binary('ccollections\nOrderedDict\nq\x00)Rq\x01X\x01\x00\x00\x00a'),
    'a pickle, as Python',
    'may run code',
  ],
  ['list, protocol 0', utf8('(lp0\nI1\naI2\na.'), 'a pickle, as Python', 'may run code'],
  ['list, protocol 1', binary(']q\x00(K\x01K\x02e.'), 'a pickle, as Python', 'may run code'],
  [
    'tensors, protocol 4',
    binary('\x80\x04\x95\x91\x01\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94\x8c\x0ctorch._utils\x94'),
    'a pickle of PyTorch',
    'vanillanet convert',
  ],
  ['flax', binary('\x81\xa6params\x82\xa4stem\x81\xa6kernel\xc7'), 'MessagePack, as Flax writes it', 'msgpack_restore'],
  ['flax of several keys', binary('\x8f\xa1w\x81'), 'MessagePack, as Flax writes it', 'msgpack_restore'],
  ['flax with a long key', binary('\xde\x00\x11\xd9\x21params'), 'MessagePack, as Flax writes it', 'msgpack_restore'],
  ['bmp', binary('BM\x36\x03\x00\x00\x00\x00\x00\x00\x36'), 'a BMP image', 'classify'],
  ['ico', binary('\x00\x00\x01\x00\x01\x00\x10\x10'), 'an icon (ICO)', 'classify'],
  ['jxl', binary('\xff\x0a\x10\x20'), 'a JPEG XL image', 'classify'],
  ['jxl in a container', binary('\x00\x00\x00\x0cJXL \r\n\x87\n'), 'a JPEG XL image', 'classify'],
  ['jp2', binary('\x00\x00\x00\x0cjP  \r\n\x87\n'), 'a JPEG 2000 image', 'classify'],
  ['ppm', binary('P6\n16 16\n255\n'), 'a PNM image', 'classify'],
  ['ppm of one pixel', binary('P6\n1 1\n255\n'), 'a PNM image', 'classify'],
  ['psd', binary('8BPS\x00\x01'), 'a Photoshop image', 'classify'],
  ['bigtiff', binary('II+\x00\x08'), 'a TIFF image', 'classify'],
  ['avif sequence', binary('\x00\x00\x00\x20ftypavis'), 'an AVIF image', 'classify'],
  ['heif', binary('\x00\x00\x00\x20ftypmif1'), 'a HEIC image', 'classify'],
  ['svg after a declaration', utf8('<?xml version="1.0"?>\n<!-- drawn -->\n<svg width="1">'), 'an SVG image', 'images'],
  ['svg on one line', utf8('<?xml version="1.0"?><!-- drawn --><svg width="1">'), 'an SVG image', 'images'],
  ['svg with a document type', utf8('<!DOCTYPE svg PUBLIC "-//W3C">'), 'an SVG image', 'images'],
  ['mp4', binary('\x00\x00\x00\x18ftypmp42'), 'a video (MP4)', 'Check the path or URL.'],
  ['webm', binary('\x1aE\xdf\xa3\x01'), 'a video (Matroska, WebM)', 'Check the path or URL.'],
  ['wav', binary('RIFF\x24\x10\x00\x00WAVEfmt '), 'an AVI or WAVE file', 'Check the path or URL.'],
  ['elf', binary('\x7fELF\x02\x01\x01'), 'a program or library (ELF)', 'Check the path or URL.'],
  ['exe', binary('MZ\x90\x00\x03\x00\x00\x00'), 'a program or library for Windows (MZ)', 'Check the path or URL.'],
  ['exe of another form', binary('MZ\x01\x02\x03\x00'), 'a program or library for Windows (MZ)', 'Check the path'],
  ['mach-o', binary('\xcf\xfa\xed\xfe\x0c'), 'a program or library for macOS (Mach-O)', 'Check the path or URL.'],
  ['apple double', binary('\x00\x05\x16\x07\x00\x02'), 'an AppleDouble file', 'without "._"'],
  ['zlib', binary('x\x9c\xed\xd0'), 'zlib data', 'Decompress'],
  ['ggml', binary('tjgg\x01'), 'a GGML file', 'other frameworks'],
  ['mxnet', binary('\x12\x01\x00\x00\x00\x00\x00\x00\x00\x00'), 'parameters of MXNet', 'other frameworks'],
  [
    'pdiparams',
    binary(`${'\x00'.repeat(16)}\x06\x00\x00\x00\x08\x05\x10\x40`),
    'parameters of PaddlePaddle',
    'paddle.save',
  ],
  ['openvino', utf8('<?xml version="1.0"?>\n<net name="n" version="11">'), 'a model of OpenVINO', 'other frameworks'],
  [
    'error of Azure',
    utf8('\uFEFF<?xml version="1.0"?><Error><Code>BlobNotFound</Code><Message>x'),
    'XML: the error BlobNotFound of a server',
    'check the URL',
  ],
  ['error in XML', utf8('<Response><Error>no</Error>'), 'XML: an error of a server', 'check the URL'],
  [
    'error in JSON',
    utf8('{"error":"not found"}'),
    'JSON: an error of a server: {"error":"not found"}',
    'check the URL',
  ],
  [
    'message in JSON',
    utf8('{\n "message": "Not Found",\n "documentation_url": ""}'),
    'JSON: an error of a server: { "message": "Not Found"',
    'check the URL',
  ],
  ['pickle', binary('\x80\x05\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94'), 'a pickle, as Python', 'may run code'],
  [
    'pickle of tensors',
    binary('\x80\x02}q\x00ctorch._utils\n_rebuild_tensor_v2\nq\x02'),
    'a pickle of PyTorch',
    'vanillanet convert',
  ],
  [
    'batch of CIFAR',
    binary('\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03'),
    'a batch of CIFAR images (pickle)',
    '--data',
  ],
  ['onnx', binary('\x08\x0a\x12\x07pytorch\x1a\x062.13.0'), 'an ONNX model', 'vanillanet convert'],
  ['onnx with the graph first', binary('\x08\x0a\x3a\xb0\x04\x0a'), 'an ONNX model', 'vanillanet convert'],
  ['SavedModel', binary('\x08\x01\x12\xff\x10\x0a'), 'a TensorFlow SavedModel (protobuf)', 'other frameworks'],
  ['Core ML', binary('\x08\x05\x12\x30\x0a\x10'), 'a Core ML model (protobuf)', 'other frameworks'],
  ['gguf', binary('GGUF\x03\x00\x00\x00'), 'a GGUF file', 'other frameworks'],
  ['tflite', binary('\x1c\x00\x00\x00TFL3'), 'a TensorFlow Lite model', 'other frameworks'],
  ['ort', binary('\x1c\x00\x00\x00ORTM'), 'an ONNX Runtime model', 'other frameworks'],
  ['wasm', binary('\x00asm\x01\x00\x00\x00'), 'a WebAssembly module', 'Check the path or URL.'],
  ['pdf', binary('%PDF-1.7'), 'a PDF document', 'Check the path or URL.'],
  [
    'events of TensorBoard',
    binary('\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7fK"\x09\x00\x00\x80\xd0\xa1\x9e\xd9A\x1a\x0dbrain.Event:2'),
    'event files of TensorBoard',
    'Of a run, pass best-fusable.safetensors',
  ],
  [
    'results of a run',
    utf8('epoch,time,train/loss,metrics/accuracy_top1\n1,2.5,0.7,0.9\n'),
    'the results of a training run (results.csv)',
    'Of a run, pass best-fusable.safetensors',
  ],
  ['sqlite', binary('SQLite format 3\x00'), 'an SQLite database', 'Check the path or URL.'],
  ['parquet', binary('PAR1\x15\x04'), 'a Parquet file', '--data'],
  ['arrow', binary('ARROW1\x00\x00'), 'an Arrow file', '--data'],
  ['matlab', binary('MATLAB 5.0 MAT-file'), 'a MATLAB file', '--data'],
  ['idx3', binary('\x00\x00\x08\x03\x00\x00\xea\x60'), 'MNIST images (idx)', '--data'],
  ['idx1', binary('\x00\x00\x08\x01\x00\x00\xea\x60'), 'MNIST labels (idx)', '--data'],
  ['text', utf8('404: Not Found'), 'text that begins with "404: Not Found"', 'Check the path or URL.'],
  ['text of several lines', utf8('Entry\r\n\tnot  found'), 'text that begins with "Entry not found"', 'Check'],
  ['text in UTF-16', Buffer.from('\uFEFFnot found', 'utf16le'), 'text (UTF-16) that begins with "not found"', 'Check'],
  ['text in UTF-16 without a mark', Buffer.from('not found', 'utf16le'), 'text (UTF-16) that begins with "n', 'Check'],
  [
    'text in UTF-16, big endian',
    Buffer.from('\uFEFFnot found', 'utf16le').swap16(),
    'text (UTF-16) that begins with "n',
    'Check',
  ],
  [
    'text in UTF-16, big endian, without a mark',
    Buffer.from('not found', 'utf16le').swap16(),
    'text (UTF-16) that begins with "n',
    'Check',
  ],
  ['text of many bytes a character', utf8(`ä${'猫'.repeat(300)}`), 'text that begins with "ä猫', 'Check'],
  ['text that is cut within a character', utf8(`a${'猫'.repeat(300)}`), 'text that begins with "a猫', 'Check'],
  ['unknown', binary('\x9c\x01\xfe\xdc\xba\x98\x76\x54\x32'), 'bytes 9c 01 fe dc ba 98 76 54', 'Check'],
];

describe('fileKind', () => {
  test.each(FILES)('recognizes: %s', (_, bytes, kind, hint) => {
    const recognized = fileKind(bytes.subarray(0, HEAD));
    expect(recognized.name).toContain(kind);
    expect(recognized.hint).toContain(hint);
    expect(recognized.hint).toMatch(/^[A-Z].*\.$/);
    expect(() => decodeSafetensors(bytes, 'net')).toThrow(
      expect.objectContaining({
        op: 'net',
        expected: 'a safetensors file',
        ...recognized,
        name: 'WeightsError',
        got: recognized.name,
      }),
    );
  });

  test.each(['cat\ndog\npig\nq', 'class Net:\n  import numpy', 'car\nbus\n', 'MZ is short', 'BM', '(l', ']q'])(
    'sees text in %j, which begins as another format',
    (text) => {
      expect(fileKind(utf8(text.padEnd(20))).name).toContain('text that begins with');
    },
  );

  test.each([
    'BM\x36\x03\x00\x00\x00\x01',
    '\x00\x00\x00\x0cjP \r',
    '\x12\x01\x00\x01\x02\x03\x04\x05',
    '\x90\xa6params',
  ])('does not know %j, which resembles another format', (text) => {
    expect(fileKind(binary(text)).name).toContain('a file of an unknown format');
  });

  test('looks at the beginning only', () => {
    for (const [name, bytes] of FILES) {
      if (textKind(bytes.subarray(0, HEAD)) !== null || bytes.length <= 8) continue;
      const later = Buffer.concat([Buffer.of(0xfe, 0x01), bytes]).subarray(0, HEAD);
      expect([name, fileKind(later).name]).toEqual([name, expect.stringContaining('begins with the bytes fe 01')]);
    }
    const pattern = /^(page|script|xml|error|svg|lfs|annex|message|openvino|results)/;
    for (const [name, bytes] of FILES.filter(([each]) => pattern.test(each) && !each.includes('UTF-16'))) {
      const later = utf8(`x ${bytes.toString().replace('\uFEFF', '')}`).subarray(0, HEAD);
      expect([name, fileKind(later).name]).toEqual([name, expect.stringContaining('text that begins with "x ')]);
    }
  });

  test('sees no text in bytes that are not', () => {
    for (const [name, bytes] of FILES) {
      const isText = /^(page|script$|xml|error|svg|lfs|annex|text|message|openvino|results|list, protocol 0)/.test(
        name,
      );
      expect([name, textKind(bytes.subarray(0, HEAD)) !== null]).toEqual([name, isText]);
    }
    expect(textKind(utf8(' \n'))).toBeNull();
  });
});

test.each([
  ['{"modelTopology": {}}', 'JSON: the model.json of TensorFlow.js', 'TensorFlow.js'],
  ['{"weightsManifest": []}', 'JSON: the model.json of TensorFlow.js', 'TensorFlow.js'],
  ['{"metadata": {}, "weight_map": {}}', 'JSON: the index of a sharded model of Hugging Face', 'one file'],
  ['{"architectures": ["ViT"]}', 'JSON: a configuration of Hugging Face', 'model.safetensors'],
  ['{"dims": [8, 16], "strides": [1]}', 'JSON: a configuration', '--config'],
  ['{"format": "vanillanet-shards"}', 'JSON: an index of shards', 'openShards'],
  ['{"detail": "Not found"}', 'JSON: an error of a server: {"detail": "Not found"}', 'check the URL'],
  ['{"status": 404}', 'JSON: an error of a server: {"status": 404}', 'check the URL'],
  ['{"why": 1, "error": 2}', String.raw`JSON that begins with "{\"why\": 1, \"error\": 2}"`, 'path or URL'],
  ['{"why": 1}', String.raw`JSON that begins with "{\"why\": 1}"`, 'path or URL'],
  ['[1, 2]', 'JSON that begins with "[1, 2]"', 'path or URL'],
])('JSON is recognized by its keys: %s', async (text, kind, hint) => {
  expect(jsonKind(text).name).toBe(kind);
  expect(jsonKind(text).hint).toContain(hint);
  const bytes = utf8(text);
  const error = { name: 'WeightsError', expected: 'a safetensors file', got: kind, hint: jsonKind(text).hint };
  expect(() => decodeSafetensors(bytes)).toThrow(expect.objectContaining(error));
  if (!text.startsWith('{') || text.includes('shards')) return;
  // By its name, JSON could be an index of shards.
  await writeFile(path('model.json'), text);
  await writeFile(path('model.safetensors'), text);
  const { got, hint: remedy } = { got: jsonKind(JSON.parse(text) as object).name, hint: jsonKind(text).hint };
  for (const load of [loadModel, readWeights]) {
    const index = { op: path('model.json'), expected: 'an index of shards (format "vanillanet-shards")', got };
    await expect(load(path('model.json'))).rejects.toMatchObject({ ...index, hint: remedy });
    await expect(load(path('model.safetensors'))).rejects.toMatchObject({ ...error, op: path('model.safetensors') });
  }
});

test.each([
  ['{"kind": "step", "epoch": 1}\n{"kind": "epoch"}', 'the records of a training run (metrics.jsonl)'],
  ['{"kind":"epoch"}', 'the records of a training run (metrics.jsonl)'],
  ['{\n  "kind": "epoch"\n}', 'the records of a training run (metrics.jsonl)'],
  ['{"lr": 1, "decay_epochs": 5}', 'the config.json of a training run, or a recipe'],
  ['{"lambda_schedule": "cosine", "num_classes": 5}', 'the config.json of a training run, or a recipe'],
])('JSON of a training run is recognized: %j', (text, kind) => {
  const recognized = {
    name: `JSON: ${kind}`,
    hint: 'Of a run, pass best-fusable.safetensors, best.safetensors or last.safetensors; vanillanet fuse makes the deploy form of them.',
  };
  expect(jsonKind(text)).toEqual(recognized);
  expect(fileKind(utf8(text))).toEqual(recognized);
});

test('JSON with a kind further inside is not that of a training run', () => {
  expect(jsonKind('{"a": {"kind": "step"}}').name).toMatch(/^JSON that begins with/);
});

test('text and JSON are shown by their beginning', () => {
  expect(textKind(utf8('x'.repeat(50)))?.name).toBe(`text that begins with "${'x'.repeat(40)}"`);
  expect(jsonKind('\n {"why":\n1}').name).toBe(String.raw`JSON that begins with "{\"why\": 1}"`);
  expect(jsonKind({ why: 1, how: 2 })).toEqual({
    name: 'JSON with the keys "why", "how"',
    hint: 'Check the path or URL.',
  });
  expect(jsonKind({ error: 1 }).name).toBe('JSON: an error of a server');
  const keys = Array.from({ length: 25 }, (_, i) => `k${i}`);
  const shown = keys.slice(0, 20).map((key) => `"${key}"`);
  expect(jsonKind(Object.fromEntries(keys.map((key) => [key, 1]))).name).toBe(`JSON with the keys ${shown.join(', ')}`);
});

describe('in the place of an image', () => {
  const convert = 'Convert it first, for example: magick IN out.png.';
  const pass = 'Pass a PNG, JPEG or WebP image.';
  const general = [
    'zeros',
    'page',
    'error of S3',
    'lfs',
    'gzip',
    'apple double',
    'pdf',
    'text',
    'unknown',
    'five bytes',
  ];
  const others = ['pth', 'npz', 'zip', 'onnx', 'parquet', 'pickle', 'flax'];

  test.each(FILES.filter(([name]) => [...general, ...others, 'gif', 'tiff, big endian'].includes(name)))(
    '%s has a hint about images',
    (name, bytes) => {
      const head = bytes.subarray(0, HEAD);
      const recognized = fileKind(head);
      const hint = general.includes(name) ? recognized.hint : others.includes(name) ? pass : convert;
      expect(imageKind(head)).toEqual({ name: recognized.name, hint });
    },
  );

  test('weights are recognized by their length and brace', () => {
    const weights = encodeSafetensors(new Map());
    const kind = { name: 'a safetensors file', hint: 'Pass weights to loadModel, and an image here.' };
    expect(imageKind(weights)).toEqual(kind);
    expect(imageKind(Uint8Array.of(1, 2, 3, 0, 0, 0, 0, 0, 0x7b))).toEqual(kind);
    expect(imageKind(Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0, 0, 0x7b)).name).toContain('unknown');
  });
});

describe('a server that answers with a page and status 200', () => {
  const serve = slowServer();
  const config = drawnConfig('deploy');
  const weights = encodeSafetensors(drawnState(config), { metadata: writeConfig(config), dtype: 'float32' });
  const { index, shards } = cutShards(weights, { name: 'net', limit: Math.ceil(weights.length / 2) });
  const page = `${PAGE}${' '.repeat(30_000)}</html>`;
  let url = '';
  beforeAll(() => {
    const served = serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(page));
    ({ url } = served);
  });

  test('is refused with what it sent', async () => {
    const error = { name: 'WeightsError', op: url, expected: 'a safetensors file', got: 'an HTML page' };
    const hint = expect.stringContaining('check the URL');
    await expect(loadModel(url)).rejects.toMatchObject({ ...error, hint });
    await expect(loadModel(await fetch(url))).rejects.toMatchObject({ ...error, hint });
  });

  test.each([
    ['longer than the shard', page, 'more: an HTML page'],
    ['shorter', PAGE, `${PAGE.length}: an HTML page`],
    ['a pointer', LFS, `${LFS.length}: a Git LFS pointer`],
  ])('in the place of a shard is named: %s', async (_, body, got) => {
    const [first, second] = shards.keys();
    const open = (file: string): Uint8Array => (file === first ? (shards.get(first) ?? new Uint8Array(0)) : utf8(body));
    const loading = loadModel(openShards(index, open));
    await expect(loading).rejects.toThrow(refusal(WeightsError, second, ' bytes', got));
    await expect(loading).rejects.toMatchObject({ hint: expect.stringMatching(/check the URL|git lfs/) });
  });

  test('of the length of the shard is explained, too', async () => {
    const [first, second] = shards.keys();
    const size = shards.get(second)?.length ?? 0;
    const open = (file: string): Uint8Array =>
      file === first ? (shards.get(first) ?? new Uint8Array(0)) : utf8(PAGE.padEnd(size));
    await expect(loadModel(openShards(index, open))).rejects.toMatchObject({
      expected: `sha256 ${index.shards[1].sha256}`,
      hint: expect.stringContaining('check the URL'),
    });
  });
});

test('a stream is recognized whatever its chunks are, and when it stalls', async () => {
  async function* bytewise(text: string, isEndless: boolean): AsyncGenerator<Uint8Array> {
    for (const byte of utf8(text)) yield Uint8Array.of(byte);
    if (isEndless) await new Promise(() => undefined);
  }
  const error = { got: 'a Git LFS pointer', op: 'weights' };
  await expect(loadModel(bytewise(LFS, false))).rejects.toMatchObject(error);
  await expect(loadModel(bytewise(LFS, true), { timeout: 50 })).rejects.toMatchObject(error);
});

test('a file is recognized by readWeights', async () => {
  await writeFile(path('net.safetensors'), LFS);
  await expect(readWeights(path('net.safetensors'))).rejects.toMatchObject({
    op: path('net.safetensors'),
    got: 'a Git LFS pointer',
  });
});
