/**
 * The demonstration of `npm start`: real programs from Debian behind real sidecars, with a real
 * controller, on loopback. `raise` starts everything, `acts/` plays with it and checks what comes
 * out, `programs/` runs the programs. A guard process cleans up even after kill -9.
 */
export { runDemo } from './main.ts'
