export default function Page() {
  return (
    <p>
      POST a PNG or JPEG to <code>/api/classify</code>.
    </p>
  );
}
