export { f } from './f';
