/** What a person sees who follows a link to the page and may not in: words alone, nothing is loaded. */

export function refusalPage(text: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>windrow</title>
</head>
<body>
<h1>windrow</h1>
<p>${escaped(text)}</p>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
