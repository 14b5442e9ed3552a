/** The state of the page: what is shown when. */
import { showAnswer } from './answer.js';
import { closeCamera, openCamera, takePicture } from './camera.js';
import { listenForPictures } from './intake.js';
import { startNetwork } from './network.js';
import { keepOffline } from './offline.js';
import { drawSmall, openPicture, unreadable } from './picture.js';
import { UserError } from './userError.js';

/** All elements with an id. */
const parts = Object.fromEntries([...document.querySelectorAll('[id]')].map((each) => [each.id, each]));

/** The worker's message `ready`; null before. */
let ready = null;
/** Why the network could not be loaded; null if it could. */
let failure = null;

/** Shows one element and hides the others. */
const showOnly = (part, ...others) => {
  for (const each of others) each.hidden = true;
  part.hidden = false;
};
const showError = (message) => {
  parts.error.textContent = message;
};

const network = startNetwork({
  onProgress({ loaded, total }) {
    if (total > 0) Object.assign(parts.progress, { value: loaded, max: total });
  },
  onReady(message) {
    ready = message;
    showOnly(parts.waiting, parts.loading);
    const items = message.classes.map((name) => Object.assign(document.createElement('li'), { textContent: name }));
    parts.classes.replaceChildren(...items);
    // Only now: the service worker then finds the files in the browser's cache.
    void keepOffline({ onReady: showOffline, onUpdate: offerUpdate }).catch(() => undefined);
  },
  onFailure(reason) {
    failure = new UserError(`The network could not be loaded (${reason}). Reloading the page may help.`);
    parts.loading.hidden = true;
    showError(failure.message);
  },
});

function showOffline() {
  parts.offline.textContent += ' Ready for use without a connection.';
}

function offerUpdate(change) {
  const button = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Change to it' });
  button.addEventListener('click', change);
  parts.update.replaceChildren('There is a newer version of this page. ', button);
}

/** The stage takes the picture's aspect ratio, within limits. */
const stageRatio = ({ naturalWidth, naturalHeight }) => Math.min(1.6, Math.max(1, naturalWidth / naturalHeight));

/** The number of the latest picture. Answers for older ones are ignored. */
let latest = 0;

/** The message for a picture that could not be classified. The browser's own reason goes to the console. */
function errorFor({ message, isPicture }, name) {
  const reason = `${name}: ${message}`;
  if (isPicture === false) {
    console.info(reason);
    return unreadable(name);
  }
  console.error(reason);
  return new UserError(`The network gave no answer (${message}). Reloading the page may help.`);
}

async function show(blob, name) {
  const current = ++latest;
  stopCamera();
  showError('');
  parts.stage.ariaBusy = 'true';
  try {
    const image = await openPicture(blob, name);
    const answer = await network.classify(blob).catch((error) => {
      throw failure ?? errorFor(error, name);
    });
    if (current !== latest) return;
    // Picture and answer change together, so they always match.
    parts.picture.replaceChildren(image);
    parts.stage.style.setProperty('--ratio', String(stageRatio(image)));
    showOnly(parts.picture, parts.invitation);
    drawSmall(image, parts.small, ready);
    showAnswer(answer, ready, parts);
    showOnly(parts.answer, parts.waiting);
  } catch (error) {
    if (current === latest) showError(error.message);
  } finally {
    if (current === latest) parts.stage.ariaBusy = 'false';
  }
}

listenForPictures({
  chooser: parts.chooser,
  button: parts.choose,
  stage: parts.stage,
  onPicture: show,
  onError: ({ message }) => showError(message),
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
  // Ignores further clicks while the browser asks for permission.
  if (parts.start.ariaBusy === 'true') return;
  parts.start.ariaBusy = 'true';
  showError('');
  try {
    await openCamera(parts.video);
    showOnly(parts.video, parts.picture, parts.invitation);
    for (const each of [parts.choose, parts.start]) each.hidden = true;
    for (const each of [parts.capture, parts.stop]) each.hidden = false;
    parts.capture.focus();
  } catch ({ message }) {
    showError(message);
  } finally {
    parts.start.ariaBusy = 'false';
  }
});

parts.capture.addEventListener('click', async () => {
  try {
    await show(await takePicture(parts.video), 'The camera’s picture');
  } catch ({ message }) {
    showError(message);
  }
});
parts.stop.addEventListener('click', stopCamera);
addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') stopCamera();
});
