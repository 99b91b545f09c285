"use strict";
// Shows times in the reader's zone, and fetches the list again when a mail has arrived. Without it the page works too.
const pad = (n) => String(n).padStart(2, "0");
function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
    const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
    time.textContent = time.closest(".row") ? clock : `${day} ${clock}`;
  }
}
async function refresh() {
  try {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("list");
    const list = document.getElementById("list");
    if (fresh && fresh.dataset.newest !== list.dataset.newest) {
      list.innerHTML = fresh.innerHTML;
      list.dataset.newest = fresh.dataset.newest;
      localTimes(list);
    }
  } catch {
    // The city has stopped; the page stays as it is and tries again.
  }
  setTimeout(refresh, 2000);
}
localTimes(document);
setTimeout(refresh, 2000);
