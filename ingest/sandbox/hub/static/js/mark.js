// Tells the style sheet, before anything is drawn, that the games can be played step by step.
document.documentElement.classList.add("js");
