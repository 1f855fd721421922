// The home page, alive: sensor values, the shared clap, the ladder with its lit rung, and the tape of what arrives.
// Owns the wiring only; each part lives in its own module.

import { mountClap } from "./clap.js";
import { mountLadder } from "./ladder.js";
import { mountSensors } from "./sensors.js";
import { mountTape } from "./tape.js";
import { startLive } from "../shared/live.js";

const live = startLive({ topics: ["sensors", "live/hola"] });
const sensors = document.getElementById("sensors");
if (sensors) { // nobody is a stranger here
  mountSensors(sensors, live);
  mountClap(document.getElementById("clap"), live);
}
mountLadder(document.getElementById("ladder"), document.querySelectorAll(".flow"), live);
mountTape(document.getElementById("tape"), live);
