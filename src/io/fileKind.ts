/** Recognizes what people hold instead of a weight file, by its first bytes. */
/* eslint-disable no-control-regex -- the first bytes of files are control characters, too */
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

/** The files of a training run that are weights. */
export const RUN_HINT =
  'Of a run, pass best-fusable.safetensors, best.safetensors or last.safetensors; vanillanet fuse makes the deploy form of them.';

const EXPORT = 'Export the weights in Python: safetensors.torch.save_file(state_dict, "net.safetensors").';
const HINTS = {
  again: 'Download, copy or export the file again.',
  page: 'A server sent a page instead of the file: check the URL. On GitHub use the raw file, on Hugging Face /resolve/ instead of /blob/.',
  answer: 'A server sent an error instead of the file: check the URL, and whether it demands a permission.',
  pointer: 'This is a pointer, not the file: run `git lfs pull` (or `git annex get`), or download the file itself.',
  image: 'Pass images to classify, and a safetensors file as the weights.',
  archive: 'Extract the archive, and pass the safetensors file in it.',
  gzip: 'Decompress the file first. A server that sends compressed files must say so: content-encoding.',
  convert: 'Convert it: vanillanet convert FILE net.safetensors.',
  pickle: `A pickle may run code when it is read, so it is not. ${EXPORT}`,
  arrays:
    'Of PaddlePaddle: vanillanet convert FILE net.safetensors. Another, if you trust it, in Python: safetensors.numpy.save_file(pickle.load(file), "net.safetensors").',
  inference:
    'Save the state_dict in Python: paddle.save(model.state_dict(), "net.pdparams"), then vanillanet convert net.pdparams net.safetensors.',
  flax: 'Convert it in Python: flax.serialization.msgpack_restore, then safetensors.numpy.save_file with the names and layouts of PyTorch.',
  numpy: 'Convert it in Python: safetensors.numpy.save_file({name: array}, "net.safetensors").',
  other: `Weights of other frameworks are not read. ${EXPORT}`,
  data: 'This is a data set: pass it by --data, and a safetensors file as the weights.',
  sidecar: 'Pass the file without "._" at the beginning of its name: macOS writes this one beside it.',
  path: 'Check the path or URL.',
  shards: 'Load an index of shards by its path or URL, or by openShards: the shards lie beside it.',
  tfjs: 'Weights of TensorFlow.js are not read; train them with this package.',
  sharded: 'Write one file in Python: safetensors.torch.save_file with the tensors of all shards.',
  config: 'Pass its model.safetensors.',
  network: 'Pass it as config (--config), beside the weights.',
  run: RUN_HINT,
} as const;

type Hint = keyof typeof HINTS;

/** How a kind of file is recognized: by its bytes as Latin-1 characters, by its text, or by the keys of its JSON. */
type Row = readonly [pattern: RegExp, name: string, hint: Hint];

/**
 * Matches a pickle with some content. Protocols 2 to 5 state their number; those of 0 and 1 begin with a dict, a list, a
 * tuple, or the two lines of a global, which is remembered (p, q) or called.
 */
const pickle = (content: string): RegExp =>
  new RegExp(
    String.raw`^(\x80[\x02-\x05]|\([dlt]p\d+\n|\(?[}\])dl]q[\0-\x08]|c[a-zA-Z_][\w.]*\n[a-zA-Z_]\w*\n(p\d+\n|q[\0-\x08]|[()]))[^]*(${content})`,
  );

/**
 * The kinds of files that people hold. The first row that matches counts, those of bytes before those of text, and those of
 * text before those of JSON.
 */
const KINDS: { readonly bytes: readonly Row[]; readonly text: readonly Row[]; readonly json: readonly Row[] } = {
  bytes: [
    [/^\0+$/, 'only zeros', 'again'],
    [/^\x89PNG\r\n/, 'a PNG image', 'image'],
    [/^\xff\xd8\xff/, 'a JPEG image', 'image'],
    [/^GIF8/, 'a GIF image', 'image'],
    [/^BM[^]{4}\0{4}/, 'a BMP image', 'image'],
    [/^RIFF[^]{4}WEBP/, 'a WebP image', 'image'],
    [/^RIFF[^]{4}(AVI |WAVE)/, 'an AVI or WAVE file', 'path'],
    [/^[^]{4}ftypavi[fs]/, 'an AVIF image', 'image'],
    [/^[^]{4}ftyp(hei|hev|mif1|msf1)/, 'a HEIC image', 'image'],
    [/^[^]{4}ftyp/, 'a video (MP4)', 'path'],
    [/^\x1aE\xdf\xa3/, 'a video (Matroska, WebM)', 'path'],
    [/^(II[*+]\0|MM\0[*+])/, 'a TIFF image', 'image'],
    [/^\0\0\x01\0[^]\0/, 'an icon (ICO)', 'image'],
    [/^(\xff\x0a|\0{3}\x0cJXL )/, 'a JPEG XL image', 'image'],
    [/^(\0{3}\x0cjP {2}|\xff\x4f\xff\x51)/, 'a JPEG 2000 image', 'image'],
    [/^P[1-7]\s\d+\s/, 'a PNM image', 'image'],
    [/^8BPS/, 'a Photoshop image', 'image'],
    [/^\x1f\x8b/, 'gzip', 'gzip'],
    [/^BZh/, 'bzip2', 'gzip'],
    [/^\xfd7zXZ\0/, 'xz', 'gzip'],
    [/^\x28\xb5\x2f\xfd/, 'zstd', 'gzip'],
    [/^\x04\x22\x4d\x18/, 'lz4', 'gzip'],
    [/^\x78[\x01\x9c\xda]/, 'zlib data', 'gzip'],
    [/^7z\xbc\xaf\x27\x1c/, 'a 7z archive', 'archive'],
    [/^Rar!/, 'a RAR archive', 'archive'],
    [/^[^]{257}ustar/, 'a tar archive', 'archive'],
    [/^PK\x05\x06/, 'an empty zip archive', 'again'],
    // The name of the first entry is at byte 30.
    [
      /^PK\x03\x04[^]{26}[^/]+\/(data\.pkl|data\/\d|version|byteorder|\.format_version|\.data\/)/,
      'a PyTorch checkpoint (zip)',
      'convert',
    ],
    [/^PK\x03\x04[^]{26}[^/]+\.npy/, 'NumPy arrays (.npz)', 'numpy'],
    [/^PK\x03\x04[^]{26}(metadata\.json|config\.json|model\.weights\.h5)/, 'a Keras model (.keras)', 'convert'],
    [/^PK\x03\x04/, 'a zip archive', 'archive'],
    // Protocol 2, then torch's magic number 0x1950a86a20f9469cfc6c.
    [/^\x80\x02\x8a\x0al\xfc\x9cF\xf9/, 'a PyTorch checkpoint (legacy format)', 'convert'],
    [/^\x89HDF\r\n/, 'an HDF5 file, as Keras writes it', 'convert'],
    [/^GGUF/, 'a GGUF file', 'other'],
    [/^(ggml|lmgg|fmgg|tjgg)/, 'a GGML file', 'other'],
    [/^[^]{4}TFL3/, 'a TensorFlow Lite model', 'other'],
    [/^[^]{4}ORTM/, 'an ONNX Runtime model', 'other'],
    [/^\x12\x01\0{6}/, 'parameters of MXNet', 'other'],
    // Versions and levels of 0, the length of a description, then float32 and sizes.
    [/^\0{16}[^]\0{3}\x08\x05\x10/, 'parameters of PaddlePaddle for inference (.pdiparams)', 'inference'],
    [/^\x93NUMPY/, 'a NumPy array (.npy)', 'numpy'],
    [/^\0asm/, 'a WebAssembly module', 'path'],
    [/^\x7fELF/, 'a program or library (ELF)', 'path'],
    [/^MZ[^]{0,60}\0/, 'a program or library for Windows (MZ)', 'path'],
    [/^([\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe)/, 'a program or library for macOS (Mach-O)', 'path'],
    [/^\0\x05\x16\x07/, 'an AppleDouble file (._NAME)', 'sidecar'],
    [/^%PDF/, 'a PDF document', 'path'],
    // The length of the first record, its checksum, then the time and the version in protobuf.
    [/^[^]\0{7}[^]{4}\x09[^]{8}\x1a[^]brain\.Event/, 'event files of TensorBoard', 'run'],
    [/^SQLite format 3/, 'an SQLite database', 'path'],
    [/^PAR1/, 'a Parquet file', 'data'],
    [/^ARROW1/, 'an Arrow file', 'data'],
    [/^MATLAB 5\.0/, 'a MATLAB file', 'data'],
    [/^\0\0\x08\x01\0\0/, 'MNIST labels (idx)', 'data'],
    [/^\0\0\x08\x03\0\0/, 'MNIST images (idx)', 'data'],
    [pickle('batch_label|filenames|fine_label'), 'a batch of CIFAR images (pickle)', 'data'],
    [pickle('_rebuild_tensor|ctorch\\b|\\x8c[^]torch\\b'), 'a pickle of PyTorch', 'convert'],
    [pickle('StructuredToParameterName|paddle'), 'a pickle, as PaddlePaddle writes it', 'convert'],
    // paddle.save pickles a dict of NumPy arrays, whose first value does not show that it is PaddlePaddle's.
    [pickle('numpy\\b'), 'a pickle of NumPy arrays, as Python or PaddlePaddle writes it', 'arrays'],
    [pickle(''), 'a pickle, as Python writes it', 'pickle'],
    // A map whose first key is a short text.
    [/^(\x81|[\x82-\x8f]|\xde[^]{2})([\xa1-\xbf]|\xd9[^])[a-zA-Z_]/, 'MessagePack, as Flax writes it', 'flax'],
    // Protobuf has no magic bytes: field 1 is a small version, field 2 a name (ONNX) or a message.
    [/^\x08\x01\x12/, 'a TensorFlow SavedModel (protobuf)', 'other'],
    [/^\x08[\x02-\x14]\x12[^]\x0a/, 'a Core ML model (protobuf)', 'other'],
    [/^\x08[\x01-\x14][\x12\x1a"*:B]/, 'an ONNX model', 'convert'],
  ],
  text: [
    [/^epoch,time,train\/loss/, 'the results of a training run (results.csv)', 'run'],
    [/^<(!doctype(?! svg)|html|head|body|script|meta|title|!--)/i, 'an HTML page', 'page'],
    [/^(<\?xml[^>]*>\s*)?(<!--[^>]*>\s*)?<(svg|!doctype svg)/i, 'an SVG image', 'image'],
    [/^<[^]*<Code>(?<what>\w+)<\/Code>/, 'XML: the error WHAT of a server', 'answer'],
    [/^<[^]*<(Error|Fault)>/, 'XML: an error of a server', 'answer'],
    [/^<[^]*<net name=/, 'a model of OpenVINO (XML)', 'other'],
    [/^<\??[a-z!]/i, 'XML', 'page'],
    [/^version https:\/\/git-lfs\./, 'a Git LFS pointer', 'pointer'],
    [/^\.?[./\w-]*\/annex\/objects\//, 'a git-annex pointer', 'pointer'],
  ],
  json: [
    [/"vanillanet-shards"/, 'an index of shards', 'shards'],
    [/"(weightsManifest|modelTopology)"/, 'the model.json of TensorFlow.js', 'tfjs'],
    [/"weight_map"/, 'the index of a sharded model of Hugging Face', 'sharded'],
    [/"(architectures|model_type|_class_name)"/, 'a configuration of Hugging Face', 'config'],
    [/^\{?\s*"kind": ?"(step|epoch)"/, 'the records of a training run (metrics.jsonl)', 'run'],
    [/"(decay_epochs|lambda_schedule)"/, 'the config.json of a training run, or a recipe', 'run'],
    [/"(dims|strides|num_classes|variant)"/, 'a configuration', 'network'],
    [/^\{?\s*"(errors?|message|detail|status(Code)?|code|fault|title)"/i, 'an error of a server', 'answer'],
  ],
};

/** Bytes as characters, so that patterns can match them. */
const characters = (head: Uint8Array): string => String.fromCharCode(...head.subarray(0, HEAD));

const kind = (name: string, hint: Hint): FileKind => ({ name, hint: HINTS[hint] });

function kindOf(text: string, rows: readonly Row[]): FileKind | null {
  for (const [pattern, name, hint] of rows) {
    const match = pattern.exec(text);
    if (match !== null) return kind(name.replace('WHAT', match.groups?.['what'] ?? ''), hint);
  }
  return null;
}

/** What JSON is, by the keys in its text, or of the parsed object. */
export function jsonKind(json: string | object): FileKind {
  const text = typeof json === 'string' ? json : Object.keys(json).slice(0, 20).map(show).join(', ');
  const match = kindOf(text, KINDS.json);
  if (match !== null) {
    const content = match.hint === HINTS.answer && typeof json === 'string' ? `: ${beginning(text)}` : '';
    return { name: `JSON: ${match.name}${content}`, hint: match.hint };
  }
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
  const match = kindOf(trimmed, KINDS.text);
  if (match !== null) return match;
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
  return kindOf(characters(head), KINDS.bytes) ?? textKind(head) ?? unknownKind(head);
}

/** Remedies that help with any file. */
const GENERAL: readonly string[] = [
  ...[HINTS.again, HINTS.page, HINTS.answer, HINTS.pointer, HINTS.gzip, HINTS.sidecar, HINTS.path],
];

/** A header of less than 16 MiB, which is JSON. */
const SAFETENSORS_NAME = 'a safetensors file';
const SAFETENSORS = /^[^]{3}\0{5}\{/;

/** What a file is that is not text; null for text, and for an empty file. @param head as of `fileKind` */
export function binaryKind(head: Uint8Array): string | null {
  if (SAFETENSORS.test(characters(head))) return SAFETENSORS_NAME;
  const isBlank = decodeText(head)?.trim() === '';
  return isBlank || textKind(head) !== null ? null : fileKind(head).name;
}

/**
 * What a file is that is not a PNG, JPEG or WebP image.
 *
 * @param head its first bytes: `HEAD` of them, or all if there are fewer
 */
export function imageKind(head: Uint8Array): FileKind {
  if (SAFETENSORS.test(characters(head))) {
    return { name: SAFETENSORS_NAME, hint: 'Pass weights to loadModel, and an image here.' };
  }
  const { name, hint } = fileKind(head);
  if (hint === HINTS.image) return { name, hint: 'Convert it first, for example: magick IN out.png.' };
  return { name, hint: GENERAL.includes(hint) ? hint : 'Pass a PNG, JPEG or WebP image.' };
}
