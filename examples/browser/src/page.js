/** The page: what is shown, and when. */
import { showAnswer } from './answer.js';
import { closeCamera, openCamera, takePicture } from './camera.js';
import { listenForPictures } from './intake.js';
import { startNetwork } from './network.js';
import { keepOffline } from './offline.js';
import { drawSmall, openPicture, unreadable } from './picture.js';
import { Refusal } from './refusal.js';

/** Everything of the page that has a name. */
const parts = Object.fromEntries([...document.querySelectorAll('[id]')].map((each) => [each.id, each]));

/** What the worker said of itself; null until it is ready. */
let ready = null;
/** Why there is no network, and will be none. */
let failure = null;

/** One of what the stage and the answer's side each show. */
const showOnly = (part, ...others) => {
  for (const each of others) each.hidden = true;
  part.hidden = false;
};
const sayError = (message) => {
  parts.error.textContent = message;
};

const network = startNetwork({
  onProgress({ loaded, total }) {
    if (total > 0) Object.assign(parts.progress, { value: loaded, max: total });
  },
  onReady(said) {
    ready = said;
    showOnly(parts.waiting, parts.loading);
    const items = said.classes.map((name) => Object.assign(document.createElement('li'), { textContent: name }));
    parts.classes.replaceChildren(...items);
    // Only now: what the service worker keeps is by then in the browser's cache.
    void keepOffline({ onReady: sayOffline, onUpdate: offerUpdate }).catch(() => undefined);
  },
  onFailure(reason) {
    failure = new Refusal(`The network could not be loaded (${reason}). Loading the page anew may help.`);
    parts.loading.hidden = true;
    sayError(failure.message);
  },
});

function sayOffline() {
  parts.offline.textContent += ' Ready for use without a connection.';
}

function offerUpdate(change) {
  const button = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Change to it' });
  button.addEventListener('click', change);
  parts.update.replaceChildren('There is a newer version of this page. ', button);
}

/** The stage takes the picture's shape, unless that is very high or flat. */
const stageRatio = ({ naturalWidth, naturalHeight }) => Math.min(1.6, Math.max(1, naturalWidth / naturalHeight));

/** The pictures that were shown; only the last one's answer is wanted. */
let turn = 0;

/** What is said of a picture without an answer; the reason, in the browser's words, is for the console. */
function refusalOf({ message, isPicture }, name) {
  const reason = `${name}: ${message}`;
  if (isPicture === false) {
    console.info(reason);
    return unreadable(name);
  }
  console.error(reason);
  return new Refusal(`The network gave no answer (${message}). Loading the page anew may help.`);
}

async function show(blob, name) {
  const mine = ++turn;
  stopCamera();
  sayError('');
  parts.stage.ariaBusy = 'true';
  try {
    const image = await openPicture(blob, name);
    const answer = await network.classify(blob).catch((error) => {
      throw failure ?? refusalOf(error, name);
    });
    if (mine !== turn) return;
    // Picture and answer change together: at no time does one stand beside another's.
    parts.picture.replaceChildren(image);
    parts.stage.style.setProperty('--ratio', String(stageRatio(image)));
    showOnly(parts.picture, parts.invitation);
    drawSmall(image, parts.small, ready);
    showAnswer(answer, ready, parts);
    showOnly(parts.answer, parts.waiting);
  } catch (error) {
    if (mine === turn) sayError(error.message);
  } finally {
    if (mine === turn) parts.stage.ariaBusy = 'false';
  }
}

listenForPictures({
  chooser: parts.chooser,
  button: parts.choose,
  stage: parts.stage,
  onPicture: show,
  onError: ({ message }) => sayError(message),
});

const isFilming = () => !parts.video.hidden;

function stopCamera() {
  if (!isFilming()) return;
  closeCamera(parts.video);
  showOnly(parts.picture.childElementCount > 0 ? parts.picture : parts.invitation, parts.video);
  for (const each of [parts.capture, parts.stop]) each.hidden = true;
  for (const each of [parts.choose, parts.start]) each.hidden = false;
  parts.start.focus();
}

parts.start.addEventListener('click', async () => {
  // While the browser asks whether it may, a second click means the same.
  if (parts.start.ariaBusy === 'true') return;
  parts.start.ariaBusy = 'true';
  sayError('');
  try {
    await openCamera(parts.video);
    showOnly(parts.video, parts.picture, parts.invitation);
    for (const each of [parts.choose, parts.start]) each.hidden = true;
    for (const each of [parts.capture, parts.stop]) each.hidden = false;
    parts.capture.focus();
  } catch ({ message }) {
    sayError(message);
  } finally {
    parts.start.ariaBusy = 'false';
  }
});

parts.capture.addEventListener('click', async () => {
  try {
    await show(await takePicture(parts.video), 'The camera’s picture');
  } catch ({ message }) {
    sayError(message);
  }
});
parts.stop.addEventListener('click', stopCamera);
addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') stopCamera();
});
