// How long anything may take that must come. It only costs time when it does not come.
export const patience = 15_000;

// An Inbox keeps what the server said until somebody asks for it.
export class Inbox {
	#messages = []; // {kind, method, data}, not yet taken
	#waiting = []; // {match, resolve}
	everything = []; // also what was taken

	put(kind, method, data = {}) {
		const message = { kind, method, data };
		this.everything.push(`${kind} ${method}`);
		const i = this.#waiting.findIndex((w) => w.match(message));
		if (i < 0) this.#messages.push(message);
		else this.#waiting.splice(i, 1)[0].resolve(message.data);
	}

	// next takes the oldest message of a method that fits, and waits for it if it has not come yet.
	next(method, fits = () => true) {
		const match = (m) => m.method === method && fits(m.data);
		const i = this.#messages.findIndex(match);
		if (i >= 0) return Promise.resolve(this.#messages.splice(i, 1)[0].data);
		return new Promise((resolve, reject) => {
			const waiting = { match };
			const timer = setTimeout(() => {
				this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
				reject(new Error(`${method} did not come; came: ${this.everything.join(', ')}`));
			}, patience);
			waiting.resolve = (data) => {
				clearTimeout(timer);
				resolve(data);
			};
			this.#waiting.push(waiting);
		});
	}

	// count is how many of a method came so far, taken or not.
	count(method) {
		return this.everything.filter((m) => m.endsWith(` ${method}`)).length;
	}
}
