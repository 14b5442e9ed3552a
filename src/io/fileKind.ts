/** Recognizes what people hold instead of a weight file, by its first bytes. */
import { show } from '../core/check.js';
import { decodeText } from '../core/text.js';

/** What a file is, for `got` in an error, and what to do. */
export interface FileKind {
  readonly name: string;
  readonly hint: string;
}

/** The bytes that `fileKind` looks at: the magic of tar is at 257. */
export const HEAD = 512;
/** Bytes that every safetensors file has. */
const SHORTEST = 8;

const EXPORT = 'Export the weights in Python: safetensors.torch.save_file(state_dict, "net.safetensors").';
const HINTS = {
  again: 'Download, copy or export the file again.',
  page: 'A server sent a page instead of the file: check the URL. On GitHub use the raw file, on Hugging Face /resolve/ instead of /blob/.',
  pointer: 'This is a pointer, not the file: run `git lfs pull` (or `git annex get`), or download the file itself.',
  image: 'Pass images to classify, and a safetensors file as the weights.',
  archive: 'Extract the archive, and pass the safetensors file in it.',
  gzip: 'Decompress the file first. A server that sends compressed files must say so: content-encoding.',
  torch:
    'Convert it in Python: state_dict = torch.load(FILE, weights_only=True), then safetensors.torch.save_file(state_dict, "net.safetensors").',
  pickle: `A pickle may run code when it is read, so it is not. ${EXPORT}`,
  paddle:
    'Convert it in Python: safetensors.paddle.save_file(paddle.load(FILE), "net.safetensors"), with the names of PyTorch.',
  keras: 'Convert it in Python with the names and layouts of PyTorch, and write it by safetensors.numpy.save_file.',
  numpy: 'Write it in Python: safetensors.numpy.save_file({name: array}, "net.safetensors").',
  other: `Weights of other frameworks are not read. ${EXPORT}`,
  data: 'This is a data set: pass it by --data, and a safetensors file as the weights.',
  path: 'Check the path or URL.',
} as const;

type Hint = keyof typeof HINTS;

const ascii = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));

/** Bytes at an offset, what they show, and the remedy. */
const SIGNATURES: readonly (readonly [at: number, bytes: readonly number[], name: string, hint: Hint])[] = [
  [0, [0x89, ...ascii('PNG\r\n')], 'a PNG image', 'image'],
  [0, [0xff, 0xd8, 0xff], 'a JPEG image', 'image'],
  [0, ascii('GIF8'), 'a GIF image', 'image'],
  [8, ascii('WEBP'), 'a WebP image', 'image'],
  [4, ascii('ftypavif'), 'an AVIF image', 'image'],
  [4, ascii('ftyphei'), 'a HEIC image', 'image'],
  [0, [...ascii('II'), 42, 0], 'a TIFF image', 'image'],
  [0, [...ascii('MM'), 0, 42], 'a TIFF image', 'image'],
  [0, [0x1f, 0x8b], 'gzip', 'gzip'],
  [0, ascii('BZh'), 'bzip2', 'gzip'],
  [0, [0xfd, ...ascii('7zXZ'), 0], 'xz', 'gzip'],
  [0, [0x28, 0xb5, 0x2f, 0xfd], 'zstd', 'gzip'],
  [0, [0x04, 0x22, 0x4d, 0x18], 'lz4', 'gzip'],
  [0, [...ascii('7z'), 0xbc, 0xaf, 0x27, 0x1c], 'a 7z archive', 'archive'],
  [0, ascii('Rar!'), 'a RAR archive', 'archive'],
  [257, ascii('ustar'), 'a tar archive', 'archive'],
  // Protocol 2, then torch's magic number 0x1950a86a20f9469cfc6c.
  [0, [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9], 'a PyTorch checkpoint (legacy format)', 'torch'],
  [0, [0x89, ...ascii('HDF\r\n')], 'an HDF5 file, as Keras writes it', 'keras'],
  [0, ascii('GGUF'), 'a GGUF file', 'other'],
  [4, ascii('TFL3'), 'a TensorFlow Lite model', 'other'],
  [4, ascii('ORTM'), 'an ONNX Runtime model', 'other'],
  [0, [0x93, ...ascii('NUMPY')], 'a NumPy array (.npy)', 'numpy'],
  [0, [0, ...ascii('asm')], 'a WebAssembly module', 'path'],
  [0, ascii('%PDF'), 'a PDF document', 'path'],
  [0, ascii('SQLite format 3'), 'an SQLite database', 'path'],
  [0, ascii('PAR1'), 'a Parquet file', 'data'],
  [0, ascii('ARROW1'), 'an Arrow file', 'data'],
  [0, ascii('MATLAB 5.0'), 'a MATLAB file', 'data'],
  [0, [0, 0, 8, 1, 0, 0], 'MNIST labels (idx)', 'data'],
  [0, [0, 0, 8, 3, 0, 0], 'MNIST images (idx)', 'data'],
];

const hasBytes = (head: Uint8Array, at: number, bytes: readonly number[]): boolean =>
  bytes.every((byte, i) => head[at + i] === byte);

/** Bytes as characters, to search for names among binary data. */
const characters = (head: Uint8Array): string => String.fromCharCode(...head.subarray(0, HEAD));

const kind = (name: string, hint: Hint): FileKind => ({ name, hint: HINTS[hint] });

function zipKind(head: Uint8Array): FileKind | null {
  if (!hasBytes(head, 0, ascii('PK'))) return null;
  if (hasBytes(head, 2, [5, 6])) return kind('an empty zip archive', 'again');
  if (!hasBytes(head, 2, [3, 4])) return null;
  // The name of the first entry is at byte 30.
  const text = characters(head).slice(30);
  if (/^[^/]+\/(data\.pkl|data\/\d|version|byteorder|\.format_version|\.data\/)/.test(text)) {
    return kind('a PyTorch checkpoint (zip)', 'torch');
  }
  if (/^[^/]+\.npy/.test(text)) return kind('NumPy arrays (.npz)', 'numpy');
  if (/^(metadata\.json|config\.json|model\.weights\.h5)/.test(text)) return kind('a Keras model (.keras)', 'keras');
  return kind('a zip archive', 'archive');
}

function pickleKind(head: Uint8Array): FileKind | null {
  if (head[0] !== 0x80 || head[1] < 2 || head[1] > 5) return null;
  const text = characters(head);
  if (/batch_label|filenames|fine_label/.test(text)) return kind('a batch of CIFAR images (pickle)', 'data');
  if (/_rebuild_tensor|torch\b/.test(text)) return kind('a pickle of PyTorch', 'torch');
  // paddle.save pickles a dict whose first value is NumPy's; since 2.1 a tuple of the name and the array.
  if (/StructuredToParameterName|\bpaddle|numpy/.test(text))
    return kind('a pickle, as PaddlePaddle writes it', 'paddle');
  return kind('a pickle, as Python or PaddlePaddle writes it', 'pickle');
}

/** Protobuf has no magic bytes: field 1 is a small version, field 2 a name (ONNX) or a message. */
function protobufKind([field, version, next, , first]: Uint8Array): FileKind | null {
  if (field !== 0x08 || version === 0 || version > 20) return null;
  if (next === 0x12 && version === 1) return kind('a TensorFlow SavedModel (protobuf)', 'other');
  if (next === 0x12 && first === 0x0a) return kind('a Core ML model (protobuf)', 'other');
  return [0x12, 0x1a, 0x22, 0x2a, 0x3a, 0x42].includes(next) ? kind('an ONNX model (protobuf)', 'other') : null;
}

/** The keys of JSON that people hold, and what they show. */
const JSON_KEYS: readonly (readonly [key: RegExp, name: string, hint: string])[] = [
  [
    /"vanillanet-shards"/,
    'an index of shards',
    'Load an index of shards by its path or URL, or by openShards: the shards lie beside it.',
  ],
  [
    /"(weightsManifest|modelTopology)"/,
    'the model.json of TensorFlow.js',
    'Weights of TensorFlow.js are not read; train or convert them with this package.',
  ],
  [
    /"weight_map"/,
    'the index of a sharded model of Hugging Face',
    'Write one file in Python: safetensors.torch.save_file with the tensors of all shards.',
  ],
  [/"(architectures|model_type|_class_name)"/, 'a configuration of Hugging Face', 'Pass its model.safetensors.'],
  [/"(dims|strides|num_classes|variant)"/, 'a configuration', 'Pass it as config (--config), beside the weights.'],
];

/** What JSON is, by the keys in its text, or of the parsed object. */
export function jsonKind(json: string | object): FileKind {
  const text = typeof json === 'string' ? json : Object.keys(json).slice(0, 20).map(show).join(', ');
  const match = JSON_KEYS.find(([key]) => key.test(text));
  if (match !== undefined) return { name: `JSON: ${match[1]}`, hint: match[2] };
  return kind(
    typeof json === 'string' ? `JSON that begins with ${show(beginning(text))}` : `JSON with the keys ${text}`,
    'path',
  );
}

/** The first characters of a text, on one line. */
const beginning = (text: string): string => text.trim().slice(0, 40).replace(/\s+/g, ' ');

/** What text is; null for other files. */
export function textKind(head: Uint8Array): FileKind | null {
  // The head may end within a character.
  const text = [0, 1, 2, 3]
    .map((cut) => decodeText(head.subarray(0, head.length - cut)))
    .find((each): each is string => each !== null);
  if (text === undefined) return null;
  const trimmed = text.trim();
  // Text has no control characters other than white space.
  if (trimmed === '' || /[^\P{Cc}\s]/u.test(trimmed)) return null;
  if (/^<(!doctype(?! svg)|html|head|body|script|meta|title|!--)/i.test(trimmed)) return kind('an HTML page', 'page');
  if (trimmed.startsWith('<svg')) return kind('an SVG image', 'image');
  if (trimmed.startsWith('<')) {
    const code = /<Code>(\w+)<\/Code>/.exec(trimmed)?.[1];
    return kind(code === undefined ? 'XML' : `XML: the error ${code} of a server`, 'page');
  }
  if (trimmed.startsWith('version https://git-lfs.')) return kind('a Git LFS pointer', 'pointer');
  if (/^\.?[./\w-]*\/annex\/objects\//.test(trimmed)) return kind('a git-annex pointer', 'pointer');
  if (/^[{[]/.test(trimmed)) return jsonKind(trimmed);
  const encoding = head[0] === 0 || head[1] === 0 || head[0] > 0xfd ? 'text (UTF-16)' : 'text';
  return kind(`${encoding} that begins with ${show(beginning(trimmed))}`, 'path');
}

function unknownKind(head: Uint8Array): FileKind {
  if (head.length <= SHORTEST) return kind(`${head.length} bytes: it is cut short`, 'again');
  const digits = Array.from(head.subarray(0, SHORTEST), (byte) => byte.toString(16).padStart(2, '0'));
  return kind(`a file of an unknown format that begins with the bytes ${digits.join(' ')}`, 'path');
}

/**
 * What a file is that is not a weight file.
 *
 * @param head its first bytes: `HEAD` of them, or all if there are fewer
 */
export function fileKind(head: Uint8Array): FileKind {
  if (head.length === 0) return kind('an empty file', 'again');
  if (head.every((byte) => byte === 0)) return kind('only zeros', 'again');
  const signature = SIGNATURES.find(([at, bytes]) => hasBytes(head, at, bytes));
  if (signature !== undefined) return kind(signature[2], signature[3]);
  return zipKind(head) ?? pickleKind(head) ?? textKind(head) ?? protobufKind(head) ?? unknownKind(head);
}
