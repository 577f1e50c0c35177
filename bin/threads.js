// Number of threads for work on files. Node.js takes four; with more, a slow disk leaves some to the others. libuv reads
// it when it starts the first thread, which loading an ES module already does: so this is CommonJS and comes first.
process.env.UV_THREADPOOL_SIZE ||= '8'
