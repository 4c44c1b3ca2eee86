// Posts without a body to an address of the hub. Nobody has to wait for these: what is missed is only a view.
export async function post(address, options = {}) {
  return fetch(address, { method: "POST", headers: { Accept: "application/json" }, keepalive: true, ...options });
}
