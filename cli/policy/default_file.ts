// The policy's file where none is named.

export const DEFAULT_FILE = "sallyport.yaml";
