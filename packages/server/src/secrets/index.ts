export { FileFault } from './file-fault.ts';
export { secretText } from './secret-text.ts';
export { type FileOption, type WatchedFile, WatchedFiles, type WatchedFilesOptions } from './watched-files.ts';
