/** What the image tool can; the help of all commands shows it, too, without loading the tool. */
export const usage = `usage: crit {decode,encode,info,x,show} ...
  crit decode [-i IMAGE] [-o JSON] [--pretty] [--nopl]   an image as JSON
  crit encode [-i JSON] [-o IMAGE]                       an image from JSON
  crit show IMAGE [--nopl]                               decode --pretty
  crit info IMAGE                                        its kind, and how many entries it has
  crit x DIRECTORY {ps,fds,mems,rss}                     tasks, descriptors, areas or pages of a set
`;
