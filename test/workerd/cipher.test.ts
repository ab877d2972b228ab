import { cipherContract } from "../contracts/cipher.contract.ts";

cipherContract("workerd");
