const root = document.getElementById("root");
const escape = (text) => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const answer = await fetch("http://api.example.com/products/7731.json");
const product = await answer.json();
document.title = `${product.name} – Ridgeline`;
const specs = Object.entries(product.specs).map(([name, value]) => `<tr><th>${name}</th><td>${escape(value)}</td></tr>`);
root.innerHTML = `<main><h1>${product.name}</h1><p><b>${product.price}</b> incl. VAT</p><p>${product.text}</p>
  <h2>Specifications</h2><table>${specs.join("")}</table>
  <h2>Reviews</h2><div id="reviews"></div>
  <div class="recommended-products"><h2>Customers also bought</h2><p>A very expensive rope</p></div></main>`;
setTimeout(() => {
  document.getElementById("reviews").innerHTML = product.reviews
    .map((review) => `<blockquote><p>${review.text}</p><footer>${review.by}</footer></blockquote>`)
    .join("");
}, 100);
class PriceNote extends HTMLElement {
  connectedCallback() {
    this.attachShadow({ mode: "open" }).innerHTML = "<p>Price checked daily at noon.</p>";
  }
}
customElements.define("price-note", PriceNote);
root.querySelector("main").append(document.createElement("price-note"));
