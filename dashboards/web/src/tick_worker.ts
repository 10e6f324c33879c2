/** Beats once a second. In a hidden tab the page's own timers slow down to one a minute; a worker's do not. */
setInterval(() => postMessage(0), 1000);
