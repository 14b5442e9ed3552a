/** Listens for pictures that are chosen, dropped or pasted. */
import { UserError } from './userError.js';

const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes('Files') ?? false;

/** @param onPicture called with a file and its name @param onError called with a UserError */
export function listenForPictures({ chooser, button, stage, onPicture, onError }) {
  const take = (files) => {
    const [file] = files;
    if (file === undefined) onError(new UserError('That contained no picture. Save it as a file, and choose that.'));
    else onPicture(file, file.name);
  };

  button.addEventListener('click', () => {
    chooser.click();
  });
  chooser.addEventListener('change', () => {
    if (chooser.files.length > 0) take(chooser.files);
    // Otherwise choosing the same file again would not fire an event.
    chooser.value = '';
  });

  // On the whole page: otherwise a file that is dropped beside the stage would replace the page.
  addEventListener('dragover', (event) => {
    event.preventDefault();
    stage.classList.toggle('awaits', hasFiles(event));
  });
  addEventListener('dragleave', ({ relatedTarget }) => {
    // Null if the pointer left the window and not only an element.
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
