export const metadata = { title: 'VanillaNet at the edge' };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
