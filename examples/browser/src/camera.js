/** The camera, and the one picture that is wanted of it. */
import { Refusal } from './refusal.js';

const REASONS = {
  NotAllowedError: 'The camera was not allowed. The browser’s settings for this page can change that.',
  NotFoundError: 'No camera was found.',
  NotReadableError: 'The camera is busy: another program may be using it.',
};
const INSTEAD = 'A file works as well.';

const refusalOf = ({ name, message }) =>
  new Refusal(`${REASONS[name] ?? `The camera did not start (${message}).`} ${INSTEAD}`);

/** @throws Refusal */
export async function openCamera(video) {
  // Browsers have none on pages that came neither by https nor from this machine.
  if (navigator.mediaDevices === undefined) throw new Refusal(`This page has no access to a camera. ${INSTEAD}`);
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({
      // Of a phone's, the one that looks away from its owner.
      video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 960 } },
    });
    await video.play();
  } catch (error) {
    closeCamera(video);
    throw refusalOf(error);
  }
}

export function closeCamera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

/** What it sees now, as a file. */
export function takePicture(video) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext('2d').drawImage(video, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Refusal('The camera gave no picture. Once more?'));
      else resolve(blob);
    }, 'image/png');
  });
}
