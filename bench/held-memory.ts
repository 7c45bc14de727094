/** Run as a program: fills so many bytes of memory, says so, and holds them until it is ended. */
const held = Buffer.alloc(Number(process.argv[2]), 1);
console.log('full');
setInterval(() => held.at(0), 60_000);
