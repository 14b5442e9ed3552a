/** The ways in which a picture comes: chosen, dropped, pasted. */
import { Refusal } from './refusal.js';

const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes('Files') ?? false;

/**
 * @param onPicture told the file and its name @param onError told a Refusal
 */
export function listenForPictures({ chooser, button, stage, onPicture, onError }) {
  const take = (files) => {
    const [file] = files;
    if (file === undefined) onError(new Refusal('That brought no picture along. Save it as a file, and take that.'));
    else onPicture(file, file.name);
  };

  button.addEventListener('click', () => {
    chooser.click();
  });
  chooser.addEventListener('change', () => {
    if (chooser.files.length > 0) take(chooser.files);
    // The same file can be chosen again.
    chooser.value = '';
  });

  // Anywhere on the page: what is dropped beside the stage would otherwise replace the page.
  addEventListener('dragover', (event) => {
    event.preventDefault();
    stage.classList.toggle('awaits', hasFiles(event));
  });
  addEventListener('dragleave', ({ relatedTarget }) => {
    // Null where the pointer left the window, not an element of it.
    if (relatedTarget === null) stage.classList.remove('awaits');
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    stage.classList.remove('awaits');
    take(event.dataTransfer?.files ?? []);
  });

  addEventListener('paste', ({ clipboardData }) => {
    if (clipboardData?.files.length > 0) take(clipboardData.files);
  });
}
