/** Opens the camera and takes a picture. */
import { UserError } from './userError.js';

const REASONS = {
  NotAllowedError: 'The camera was not allowed. The browser’s settings for this page can change that.',
  NotFoundError: 'No camera was found.',
  NotReadableError: 'The camera is busy: another program may be using it.',
};
const INSTEAD = 'A file works as well.';

const cameraError = ({ name, message }) =>
  new UserError(`${REASONS[name] ?? `The camera did not start (${message}).`} ${INSTEAD}`);

/** @throws UserError */
export async function openCamera(video) {
  // Undefined unless the page comes by https or from localhost.
  if (navigator.mediaDevices === undefined) throw new UserError(`This page has no access to a camera. ${INSTEAD}`);
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({
      // The rear camera of a phone.
      video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 960 } },
    });
    await video.play();
  } catch (error) {
    closeCamera(video);
    throw cameraError(error);
  }
}

export function closeCamera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

/** The current frame, as a file. */
export function takePicture(video) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext('2d').drawImage(video, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new UserError('The camera gave no picture. Once more?'));
      else resolve(blob);
    }, 'image/png');
  });
}
