// The page: a form to join, the room, and the way between them.

import './style.css';
import { Settings } from './dialog.ts';
import { roomText } from './errors.ts';
import { JoinForm } from './joinform.ts';
import { LocalMedia } from './media.ts';
import { inviteLink, parseParams } from './params.ts';
import { readPref, readSession, writeSession } from './prefs.ts';
import { RoomClient } from './roomclient.ts';
import { RoomView } from './roomview.ts';
import { Sound } from './sound.ts';
import { makeTestApi } from './testapi.ts';
import { Toasts } from './toast.ts';

declare global {
  interface Window {
    gazpacho: ReturnType<typeof makeTestApi>;
  }
}

const params = parseParams(new URL(location.href), Math.random);
if (params.token) writeSession(`token.${params.roomId}`, params.token);
else params.token = readSession(`token.${params.roomId}`);
const local = new LocalMedia();
const sound = new Sound();
const toasts = new Toasts();
const room = new RoomClient(params, local, new URL(location.href));
let ownName = params.name || readPref('name');

const view = new RoomView({
  room, local, sound, toasts,
  ownName: () => ownName,
  onSettings: () => void settings.open(),
  onLeave: () => leave(),
  onInvite: () => void invite(),
});
const settings = new Settings({
  local, sound, publisher: room.publisher,
  ownName: () => form.element.hidden ? ownName : form.nameValue,
  rename: (name) => rename(name),
  fail: (text) => toasts.show('error', text),
});
const form = new JoinForm({
  local, publisher: room.publisher,
  onJoin: (name, roomId) => { params.roomId = roomId; join(name).catch(() => undefined); },
  onCancel: () => leave(),
  onSettings: () => void settings.open(),
  onFail: (text) => (room.state === 'idle' ? form.say(text, 'error') : toasts.show('error', text)),
}, { name: params.name, roomId: params.roomId, mic: params.audio, camera: params.video, invited: params.token !== '' });

document.body.append(form.element, view.element, settings.element, toasts.element);
if (params.roomIsNew || new URL(location.href).searchParams.has('token')) showRoomInAddress();

room.on('state', (state) => {
  if (state === 'joining') return;
  const inRoom = state !== 'idle';
  view.show(inRoom);
  form.show(!inRoom);
  form.setJoining(false);
  document.title = inRoom ? `${params.roomId} – Gazpacho` : 'Gazpacho';
});
// Whoever comes back to the form finds the switches as they were in the room.
room.publisher.on('change', (source) => {
  if (room.state !== 'idle' && room.state !== 'joining' && source !== 'screen') form.wants[source] = room.publisher.isOn(source);
});
room.on('unreachable', () => form.say('The server cannot be reached. Trying again…', 'info'));
room.on('ended', (error) => form.say(roomText(error), 'error'));

// ICE and TCP find out about a changed network within seconds; the browser often knows at once.
window.addEventListener('online', () => {
  view.setOffline(false);
  room.networkChanged();
});
window.addEventListener('offline', () => view.setOffline(true));
// Tell the server at once instead of leaving a frozen picture behind for the others.
window.addEventListener('pagehide', () => room.leave());

window.gazpacho = makeTestApi({ room, view, join: (name) => join(name ?? (ownName || 'Guest')), leave });

void form.openDevices();
if (params.autojoin) join(ownName || 'Guest').catch(() => undefined);
else form.show(true);

/** Joins, telling failures on the form as well as to the caller. Devices open meanwhile and are sent when they are there. */
async function join(name: string): Promise<void> {
  ownName = name;
  showRoomInAddress();
  form.setJoining(true);
  void form.openDevices();
  try {
    await room.join(name);
  } catch (error) {
    if ((error as Error).message !== 'left') form.say(roomText(error), 'error');
    throw error;
  }
}

function leave(): void {
  const wasIn = room.state !== 'joining';
  room.leave();
  if (wasIn) form.say('You left the room.', 'info');
}

function rename(name: string): void {
  ownName = name;
  form.setName(name);
  view.renamed();
  room.rename(name).catch((error: unknown) => toasts.show('error', roomText(error)));
}

async function invite(): Promise<void> {
  const link = inviteLink(new URL(location.href), params.roomId);
  try {
    await navigator.clipboard.writeText(link);
    toasts.show('info', 'The link to this room is copied. Send it to whom you want to meet.');
  } catch {
    toasts.show('info', `Send this link: ${link}`);
  }
}

/** Puts the room into the address, so that reloading and copying it leads here again; a token is nobody else's. */
function showRoomInAddress(): void {
  const url = new URL(location.href);
  url.hash = '';
  url.searchParams.set('roomId', params.roomId);
  url.searchParams.delete('token');
  history.replaceState(null, '', url);
}
