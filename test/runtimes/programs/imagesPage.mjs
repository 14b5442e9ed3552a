/** Pictures in a page: their files, and one of them in every form that a page has. */
import { answerOf, logitsOf } from './images.mjs';

const { atob, Blob, createImageBitmap, document, File, Image, ImageData, OffscreenCanvas, VideoFrame } = globalThis;

async function formsOf(file) {
  const blob = new Blob([Uint8Array.from(atob(file), (c) => c.charCodeAt(0))], { type: 'image/png' });
  const url = `data:image/png;base64,${file}`;
  const image = new Image();
  image.src = url;
  await image.decode();
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const offscreen = new OffscreenCanvas(width, height);
  offscreen.getContext('2d').drawImage(image, 0, 0);
  const video = Object.assign(document.createElement('video'), { muted: true, srcObject: canvas.captureStream(30) });
  const repaint = globalThis.setInterval(() => context.drawImage(image, 0, 0), 20);
  await video.play();
  await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  globalThis.clearInterval(repaint);
  const { data } = context.getImageData(0, 0, width, height);
  return {
    Blob: blob,
    File: new File([blob], 'picture.png'),
    ArrayBuffer: await blob.arrayBuffer(),
    'data URL': url,
    'blob URL': globalThis.URL.createObjectURL(blob),
    URL: new URL(url),
    Response: new globalThis.Response(blob),
    img: image,
    canvas,
    OffscreenCanvas: offscreen,
    ImageBitmap: await createImageBitmap(image),
    ImageData: new ImageData(data, width, height),
    VideoFrame: new VideoFrame(canvas, { timestamp: 0 }),
    video,
  };
}

/** What cannot be read. */
async function invalidForms() {
  const closed = await createImageBitmap(new ImageData(4, 4));
  closed.close();
  return {
    'img not loaded': new Image(),
    'closed ImageBitmap': closed,
    'video without frame': document.createElement('video'),
    'canvas without pixels': new OffscreenCanvas(0, 0),
    'page instead of picture': '/',
    'missing picture': '/none.png',
  };
}

/** Logits of pictures by their files, and of one by its forms; errors by name. */
globalThis.answers = async (picture) => {
  const pictures = await (await globalThis.fetch('/pictures.json')).json();
  const { model, answers } = await logitsOf('/net.safetensors', pictures);
  const forms = {};
  for (const [name, form] of Object.entries(await formsOf(pictures[picture].file))) {
    forms[name] = await answerOf(model.forward(form));
  }
  const all = Object.entries(await invalidForms());
  const invalid = {};
  for (const [name, form] of all) invalid[name] = await answerOf(model.forward(form));
  const list = await model.classify(['/picture.png', await createImageBitmap(new ImageData(8, 8))]);
  return { answers, forms, invalid, list: list.length };
};
