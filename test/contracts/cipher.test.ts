import { cipherContract } from "./cipher.contract.ts";

cipherContract("Node");
