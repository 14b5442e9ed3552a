export declare const BANNER: string;
