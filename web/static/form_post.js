// Posts the application's answer without a click. Where no script runs, the
// page has a button for it.
HTMLFormElement.prototype.submit.call(document.querySelector("form[data-answer]"));
